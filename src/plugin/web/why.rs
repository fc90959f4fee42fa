//! Why a request failed, in words for people. Never with its address: that may have a secret in it.

use rustls::CertificateError;
use ureq::Error;

use super::roots::CERT_FILE;

/// What answers is no server for https.
const UNENCRYPTED: &str =
    "the connection could not be encrypted: what answers there may be a server for http, or another port";

/// What went wrong, as a sentence without its end.
pub fn why(error: &Error) -> String {
    match error {
        Error::StatusCode(404) => "there is nothing at that address (status 404)".to_owned(),
        Error::StatusCode(status) => format!("the host answered with status {status}"),
        Error::Timeout(_) => "it took too long".to_owned(),
        Error::HostNotFound => "the host cannot be found".to_owned(),
        Error::ConnectionFailed => "the host cannot be reached".to_owned(),
        Error::LargeResponseHeader(..) => "the headers of the answer are too large".to_owned(),
        Error::Protocol(_) => "the answer is no HTTP".to_owned(),
        Error::TooManyRedirects => "it leads elsewhere again and again".to_owned(),
        Error::RequireHttpsOnly(_) => "it leads elsewhere, to where nothing is encrypted".to_owned(),
        Error::Tls(why) => format!("the connection could not be encrypted: {why}"),
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => "the proxy of the environment refused".to_owned(),
        Error::Rustls(error) => untrusted(error),
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => untrusted(error),
            None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                "the connection ended before all of it was there".to_owned()
            }
            None => {
                let text = error.to_string();
                // The library has no kind of its own for it.
                if text.contains("InvalidContentType") {
                    return UNENCRYPTED.to_owned();
                }
                match text.strip_prefix("failed to lookup address information") {
                    Some(why) => format!("the host cannot be found{why}"),
                    None => format!("the connection failed: {text}"),
                }
            }
        },
        _ => "the request failed".to_owned(),
    }
}

fn untrusted(error: &rustls::Error) -> String {
    if matches!(error, rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) {
        return UNENCRYPTED.to_owned();
    }
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return format!("the connection could not be encrypted: {error}");
    };
    match certificate {
        CertificateError::UnknownIssuer => format!(
            "nobody who is trusted says that this is the host; where an authority of your own does, {CERT_FILE} names a file \
             with its certificate"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "who answers has the certificate of another host".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate of the host has expired, or the clock here is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate of the host is not valid yet, or the clock here is wrong".to_owned()
        }
        other => format!("the certificate of the host cannot be trusted: {other}"),
    }
}
