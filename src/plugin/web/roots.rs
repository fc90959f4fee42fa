//! Whose word is taken for which host is the one that was asked for.
//!
//! It is Mozilla's list, which is a part of the program, so that the same hosts are trusted on every machine. Where a company
//! has an authority of its own, `SSL_CERT_FILE` names a file of what is trusted instead, as for other programs.

use std::path::Path;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// A file of certificates in PEM that are trusted instead of those that come with the program.
pub const CERT_FILE: &str = "SSL_CERT_FILE";

/// What is trusted, where the variable has this value. Fails with a sentence that names the file.
pub fn roots(file: Option<&str>) -> Result<TlsConfig, String> {
    let Some(file) = file.filter(|file| !file.is_empty()) else { return Ok(TlsConfig::default()) };
    let faulty = |why: String| format!("{CERT_FILE} names {file}, {why}");
    let text = std::fs::read(Path::new(file)).map_err(|error| faulty(format!("which cannot be read: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            // A key beside it, say.
            Ok(_) => {}
            Err(error) => return Err(faulty(format!("which is no PEM: {error}"))),
        }
    }
    if certificates.is_empty() {
        return Err(faulty("in which there is no certificate".to_owned()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::from(certificates)).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_said_and_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.into_os_string().into_string().unwrap()
        };
        assert!(roots(None).is_ok() && roots(Some("")).is_ok());
        for (path, why) in [
            (dir.path().join("absent").into_os_string().into_string().unwrap(), "which cannot be read: "),
            (file("empty", ""), "in which there is no certificate"),
            (file("odd", "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n"), "which is no PEM: "),
        ] {
            let said = roots(Some(&path)).unwrap_err();
            assert!(said.starts_with(&format!("SSL_CERT_FILE names {path}, {why}")), "{said}");
        }
    }
}
