//! `connect/qrconnect`: the QR page of website apps, its image, and the long poll behind it.

use http::StatusCode;
use qrcode::{Color, QrCode};

use super::answer::{self, Reply};
use super::asked::Asked;
use super::consent::move_browser;
use super::scans::{Progress, Scan};
use super::script::{Consent, Fragment};
use super::{Simulator, pages};

pub(super) const IMAGE_PATH: &str = "/connect/qrcode/";

/// Stands in a page's address until the script on it knows the code.
const CODE_PLACEHOLDER: &str = "__CODE__";

impl Simulator {
    pub(super) async fn qr_connect(&self, asked: &Asked) -> Reply {
        let wanted = match self.check_qr_connect(asked) {
            Ok(wanted) => wanted,
            Err(error) => return pages::link_error(error),
        };
        let scripted = self.script.scripted_consent();
        let uuid = self.begin_scan(wanted.app, wanted.way_back.clone(), scripted.as_ref());
        if asked.query.get("f") == "xml" {
            let xml =
                format!("<error><ret>0</ret><message>OK</message><uuid><![CDATA[{uuid}]]></uuid></error>");
            return answer::text(StatusCode::OK, "text/xml", xml);
        }
        match scripted {
            Some(Consent::RefuseWithState) => self.send_back(&wanted.way_back, None).await,
            Some(Consent::FastLogin(_)) => self.qr_page(&uuid, asked, self.fast_fragment()).await,
            _ => self.qr_page(&uuid, asked, self.script.fragment_style()).await,
        }
    }

    /// The QR page without scripts: the same page, looked at again every few seconds.
    pub(super) async fn qr_wait(&self, asked: &Asked) -> Reply {
        self.qr_page(asked.query.get("uuid"), asked, self.script.fragment_style()).await
    }

    pub(super) fn qr_image(&self, asked: &Asked) -> Reply {
        let uuid = asked.path.trim_start_matches(IMAGE_PATH);
        if self.look_at_scan(uuid).is_none() {
            return pages::not_found();
        }
        answer::text(StatusCode::OK, "image/svg+xml", svg(&phone_address(asked, uuid)))
    }

    /// Answers when something happened that the page does not know (`last`), else 408 after a while.
    pub(super) async fn long_poll(&self, asked: &Asked) -> Reply {
        let uuid = asked.query.get("uuid");
        let deadline = tokio::time::sleep(self.script.long_poll_wait());
        tokio::pin!(deadline);
        let mut changes = self.scans.changes();
        loop {
            let Some(scan) = self.look_at_scan(uuid) else { return poll_answer(500, "") };
            match &scan.progress {
                Progress::Cancelled => return poll_answer(403, ""),
                Progress::Confirmed { code } => {
                    if self.first_delivery(uuid) {
                        self.deliver_early(&scan.way_back.url(Some(code), self.script.fragment_style()))
                            .await;
                    }
                    return poll_answer(405, code);
                }
                Progress::Expired => return poll_answer(402, ""),
                Progress::Scanned { .. } if asked.query.get("last") != "404" => return poll_answer(404, ""),
                Progress::Scanned { .. } | Progress::Waiting => {}
            }
            tokio::select! {
                biased;
                changed = changes.changed() => if changed.is_err() { return poll_answer(408, "") },
                () = &mut deadline => return poll_answer(408, ""),
            }
        }
    }

    async fn qr_page(&self, uuid: &str, asked: &Asked, fragment: Fragment) -> Reply {
        let Some(scan) = self.look_at_scan(uuid) else { return pages::not_found() };
        let Scan { progress, way_back, .. } = &scan;
        if let Progress::Confirmed { code } = progress {
            let url = way_back.url(Some(code), fragment);
            if self.first_delivery(uuid) {
                self.deliver_early(&url).await;
            }
            return move_browser(way_back.frame, &url);
        }
        let template = way_back.url(Some(CODE_PLACEHOLDER), fragment);
        pages::qr(&scan, uuid, &svg(&phone_address(asked, uuid)), &template)
    }

    /// Fast login puts the code before a fragment, or doubles it; only a scanned QR puts it after.
    fn fast_fragment(&self) -> Fragment {
        match self.script.fragment_style() {
            Fragment::Doubled => Fragment::Doubled,
            Fragment::After | Fragment::Before => Fragment::Before,
        }
    }
}

/// `text` as a QR code: one path, no external anything.
pub(crate) fn svg(text: &str) -> String {
    const QUIET: usize = 4;
    let Ok(code) = QrCode::new(text) else { return String::new() };
    let size = code.width() + 2 * QUIET;
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let path = dark
        .map(|(at, _)| format!("M{} {}h1v1h-1z", at % code.width() + QUIET, at / code.width() + QUIET))
        .collect::<String>();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges" role="img" aria-label="QR"><rect width="{size}" height="{size}" fill="#fff"/><path d="{path}"/></svg>"##
    )
}

/// What a phone's camera reads from the QR: the pretend phone, on this very host.
fn phone_address(asked: &Asked, uuid: &str) -> String {
    format!("http://{}/phone?uuid={uuid}", asked.host)
}

fn poll_answer(errcode: u16, code: &str) -> Reply {
    let script = format!("window.wx_errcode={errcode};window.wx_code='{code}';");
    answer::text(StatusCode::OK, "text/javascript", script)
}
