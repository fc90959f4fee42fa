//! One file's tables over another's.

use toml::de::{DeTable, DeValue};

/// Puts `over` on top of `under`, in place: tables are merged key by key at every depth, all else is replaced.
pub(super) fn merge<'t>(under: &mut DeTable<'t>, mut over: DeTable<'t>) {
    let stages = over.remove("stages");
    if let Some(mut stages) = stages {
        let key = toml::Spanned::new(stages.span(), "stages".into());
        if let (Some(DeValue::Table(below)), DeValue::Table(above)) =
            (under.get_mut("stages").map(toml::Spanned::get_mut), stages.get_mut())
        {
            for (name, stage) in above.iter() {
                if let (Some(below), Some(above)) =
                    (below.get_mut(name.get_ref().as_ref()).map(toml::Spanned::get_mut), stage.get_ref().as_table())
                {
                    replace_action(below, above);
                }
            }
        }
        over.insert(key, stages);
    }
    replace_origins(under, &over);
    merge_tables(under, over);
}

/// A secret that is said to come from elsewhere comes from there alone.
fn replace_origins(under: &mut DeTable<'_>, over: &DeTable<'_>) {
    let (Some(DeValue::Table(under)), Some(over)) = (
        under.get_mut("secrets").map(toml::Spanned::get_mut),
        over.get("secrets").and_then(|secrets| secrets.get_ref().as_table()),
    ) else {
        return;
    };
    for name in over.keys() {
        under.remove(name.get_ref().as_ref());
    }
}

/// A stage that is given another action loses the one it had, whichever kind each is.
fn replace_action(under: &mut DeValue<'_>, over: &DeTable<'_>) {
    let DeValue::Table(under) = under else { return };
    if over.contains_key("run") {
        under.remove("uses");
        under.remove("with");
    } else if over.contains_key("uses") {
        under.remove("run");
        under.remove("with");
    }
}

fn merge_tables<'t>(under: &mut DeTable<'t>, over: DeTable<'t>) {
    for (key, value) in over {
        let Some(below) = under.get_mut(key.get_ref().as_ref()) else {
            under.insert(key, value);
            continue;
        };
        if below.get_ref().is_table() && value.get_ref().is_table() {
            if let (DeValue::Table(below), DeValue::Table(above)) = (below.get_mut(), value.into_inner()) {
                merge_tables(below, above);
            }
        } else {
            *below = value;
        }
    }
}
