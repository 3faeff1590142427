//! `[server.tls]`: how long our own certificate is good.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use super::context::Context;
use super::finding::{Finding, text};
use super::network::date;
use crate::model::clock;
use crate::net::tls::read_certificates;

const CHECK: &str = "certificate";

/// Whoever renews certificates by a program has done so by then.
const SOON: u64 = 14 * 86_400;

/// The first second of the year 9999: no certificate is good then.
const NEVER: u64 = 253_370_764_800;

/// How long the certificate is good, if there is one.
pub(super) fn check(context: &Context) -> Option<Finding> {
    let tls = context.config.server.tls.as_ref()?;
    let chain = read_certificates(&tls.certificate).ok()?;
    let path = tls.certificate.display();
    let end = good_until(chain.first()?)?;
    let (day, now) = (date(end), u64::try_from(clock::now().as_unix()).unwrap_or_default());
    let about = text(format!("证书 {path}"), format!("certificate {path}"));
    let todo = text(
        "续期证书，然后让 wxgate 重新读取（kill -HUP）。",
        "Renew it, and let wxgate read it anew (kill -HUP).",
    );
    Some(if end.as_secs() <= now {
        let what = text(format!("已于 {day} 过期"), format!("expired on {day}"));
        Finding::failed(CHECK, what.after(&about), todo)
    } else if end.as_secs() - now < SOON {
        let what = text(format!("即将于 {day} 过期"), format!("expires soon, on {day}"));
        Finding::note(CHECK, what.after(&about), todo)
    } else {
        let what = text(format!("有效期至 {day}"), format!("good until {day}"));
        Finding::ok(CHECK, what.after(&about))
    })
}

/// Its last second. A verifier that is asked about a time when it cannot be good says it.
fn good_until(certificate: &CertificateDer<'static>) -> Option<UnixTime> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("certificate.invalid").ok()?;
    let then = UnixTime::since_unix_epoch(Duration::from_secs(NEVER));
    match verifier.verify_server_cert(certificate, &[], &name, &[], then) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Some(not_after),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_of_a_certificate_is_read() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2026, 9, 21);
        let made = parameters.self_signed(&key).unwrap();
        let end = good_until(made.der()).unwrap();
        assert_eq!((date(end).as_str(), end.as_secs()), ("2026-09-21", 1_789_948_800));
    }
}
