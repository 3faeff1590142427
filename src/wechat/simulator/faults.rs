//! What can go wrong with an API answer on its way, and how it goes wrong.

use std::time::Duration;

use http::StatusCode;

use super::answer::{self, Json, Refusal, Reply};
use super::asked::Asked;
use super::{Call, Simulator};

/// One way for an API answer to be bad.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The call takes effect, but the answer is this one.
    Body {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// Any bytes.
        body: Vec<u8>,
    },
    /// The call takes effect; the answer ends in the middle of the JSON, properly framed.
    CutShort,
    /// The call has no effect and is answered with this errcode.
    Errcode(i64),
    /// The call takes effect, but this errcode is the answer.
    ErrcodeAfterConsuming(i64),
    /// The call has no effect; a front server answers 502 with an HTML page.
    HtmlBadGateway,
    /// The call takes effect (the code is used up), then the connection breaks before the answer.
    ResetAfterConsuming,
    /// The call takes effect at once, the answer comes after this time.
    Slow(Duration),
    /// The call takes effect; the connection breaks half-way through the answer.
    Truncated,
}

impl Fault {
    /// This body, with status 200 and WeChat's content type.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self::Body { status: 200, content_type: "text/plain".to_owned(), body: body.into() }
    }
}

impl Simulator {
    /// Decides an API call, notes it down, and answers it as `fault` wants.
    pub(super) async fn answer_api(
        &self,
        asked: &Asked,
        fault: Option<Fault>,
        decide: impl FnOnce(&Self) -> Result<Json, Refusal>,
    ) -> Reply {
        let decided = match fault {
            Some(Fault::Errcode(errcode)) => Err(errcode.into()),
            Some(Fault::HtmlBadGateway) => Err((-1).into()),
            _ => decide(self),
        };
        let answered = if asked.path.starts_with("/cgi-bin/") { answer::cgi } else { answer::api };
        self.journal.record(Call {
            at: self.now(),
            method: asked.method.clone(),
            path: asked.path.clone(),
            app_id: app_id(asked),
            code: asked.parameter("code").to_owned(),
            openid: asked.parameter("openid").to_owned(),
            errcode: decided.as_ref().err().map_or(0, |refusal| refusal.errcode),
            fault: fault.clone(),
        });
        let body = decided.map_or_else(answer::error_body, Json::shuffled);
        match fault {
            None | Some(Fault::Errcode(_)) => answered(body),
            Some(Fault::Body { status, content_type, body }) => {
                answer::text(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &content_type, body)
            }
            Some(Fault::CutShort) => answered(first_half(&body)),
            Some(Fault::ErrcodeAfterConsuming(errcode)) => answered(answer::error_body(errcode)),
            Some(Fault::HtmlBadGateway) => {
                let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad \
                            Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
                answer::text(StatusCode::BAD_GATEWAY, "text/html", page)
            }
            Some(Fault::ResetAfterConsuming) => answer::severed(Vec::new(), body.len()),
            Some(Fault::Slow(delay)) => {
                tokio::time::sleep(delay).await;
                answered(body)
            }
            Some(Fault::Truncated) => answer::severed(first_half(&body), body.len()),
        }
    }
}

/// Which app calls: by a parameter, or in a posted JSON.
fn app_id(asked: &Asked) -> String {
    let posted = || asked.json()?.get("appid")?.as_str().map(str::to_owned);
    let parameter = Some(asked.parameter("appid").to_owned()).filter(|app_id| !app_id.is_empty());
    parameter.or_else(posted).unwrap_or_default()
}

fn first_half(body: &[u8]) -> Vec<u8> {
    body[..body.len() / 2].to_vec()
}
