//! What requests to other machines have in common, whoever makes them: whom is trusted, what proxy leads there, and what went
//! wrong, in words.

mod proxy;
mod roots;
mod why;

pub use proxy::proxy;
pub use roots::{CERT_FILE, roots};
pub use why::why;
