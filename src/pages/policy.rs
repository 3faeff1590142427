//! Our own styles and scripts, and the policy that lets nothing else run.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SHEET_STYLE: &str = concat!(include_str!("style.css"), include_str!("admin.css"));
pub(super) const COPY_SCRIPT: &str = include_str!("copy.js");
pub(super) const WAIT_SCRIPT: &str = concat!(include_str!("wait.js"), include_str!("times.js"));
pub(super) const CALL_SCRIPT: &str = concat!(include_str!("call.js"), include_str!("copy.js"));
pub(super) const TIMES_SCRIPT: &str = include_str!("times.js");
pub(super) const SHEET_SCRIPT: &str = concat!(include_str!("copy.js"), include_str!("times.js"));
pub(super) const BRIEF_STYLE: &str = include_str!("brief.css");

/// Nothing but our own inline style (with `operators_style` behind it) and script, nothing from elsewhere but WeChat's
/// portraits.
pub(super) fn content_security_policy(operators_style: &str) -> String {
    let hash = |source: &str| STANDARD.encode(digest::digest(&digest::SHA256, source.as_bytes()));
    let operators = match operators_style {
        "" => String::new(),
        style => format!(" 'sha256-{}'", hash(&[STYLE, style].concat())),
    };
    format!(
        "default-src 'none'; style-src 'sha256-{}' 'sha256-{}' 'sha256-{}'{operators}; \
         script-src 'sha256-{}' 'sha256-{}' 'sha256-{}' 'sha256-{}' 'sha256-{}'; connect-src 'self'; \
         img-src 'self' data: https://thirdwx.qlogo.cn https://wx.qlogo.cn; \
         form-action 'self' https://open.weixin.qq.com; frame-ancestors 'none'; base-uri 'none'",
        hash(STYLE),
        hash(BRIEF_STYLE.trim_end()),
        hash(SHEET_STYLE),
        hash(COPY_SCRIPT),
        hash(WAIT_SCRIPT),
        hash(CALL_SCRIPT),
        hash(SHEET_SCRIPT),
        hash(TIMES_SCRIPT),
    )
}
