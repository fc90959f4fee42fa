//! What is small: the plugin's settings, the environment and the time.

/// The plugin's settings: what `[plugins.NAME] config` says. Always granted.
pub mod settings {
    use serde::de::DeserializeOwned;

    use crate::{Problem, backend};

    /// The settings as a type of the plugin's.
    pub fn get<T: DeserializeOwned>() -> Result<T, Problem> {
        let text = backend::settings();
        let text = if text.trim().is_empty() { "{}" } else { &text };
        serde_json::from_str(text).map_err(|error| Problem::new("config", format!("`config` does not fit: {error}")))
    }
}

/// The environment. Grant: `env = [names]`.
pub mod env {
    use crate::backend;

    /// A variable. Nothing where it is not set, or not granted, which the user is told.
    pub fn get(name: &str) -> Option<String> {
        backend::env(name)
    }
}

/// The time. Grant: `clock = true`; a plugin that asks without it is ended.
pub mod clock {
    use crate::backend;

    /// Milliseconds since 1970, UTC.
    pub fn now_ms() -> u64 {
        backend::now_ms()
    }
}
