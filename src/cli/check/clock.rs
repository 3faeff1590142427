//! Whether this computer's clock is right, by the clocks of those who answered.

use super::finding::{Finding, text};
use crate::model::http_date::Reading;

/// Seconds that nobody notices.
const NOTICED: u64 = 5;

/// Seconds that nothing works with.
const TOO_MANY: u64 = 60;

/// Beside WeChat's clock, as far as WeChat answered.
pub(super) fn beside_wechat(readings: &[Reading]) -> Option<Finding> {
    let ahead = readings.iter().map(|reading| reading.ahead()).max_by_key(|ahead| ahead.unsigned_abs())?;
    Some(judge("clock", ahead, ("微信", "WeChat's")))
}

/// Beside the clock of whoever answers at `host`; only what is wrong.
pub(super) fn beside(reading: Option<Reading>, host: &str) -> Option<Finding> {
    let ahead = reading?.ahead();
    let theirs = format!("that of {host}");
    (ahead.unsigned_abs() >= NOTICED).then(|| judge("clock.public_url", ahead, (host, &theirs)))
}

fn judge(check: &'static str, ahead: i64, (zh, en): (&str, &str)) -> Finding {
    let seconds = ahead.unsigned_abs();
    let what = match (seconds < NOTICED, ahead > 0) {
        (true, _) => {
            text(format!("时钟：本机与{zh}一致"), format!("clock: this computer's agrees with {en}"))
        }
        (false, true) => text(
            format!("时钟：本机比{zh}快 {seconds} 秒"),
            format!("clock: this computer's is {seconds} seconds ahead of {en}"),
        ),
        (false, false) => text(
            format!("时钟：本机比{zh}慢 {seconds} 秒"),
            format!("clock: this computer's is {seconds} seconds behind {en}"),
        ),
    };
    let todo = text(
        "请打开自动对时（例如 `timedatectl set-ntp true`）。微信消息只在前后五分钟内有效，会话与登录也按本机时钟计时。",
        "Switch time synchronisation on (such as `timedatectl set-ntp true`): messages of WeChat's count within five minutes only, and sessions and sign-ins go by this clock.",
    );
    match seconds {
        ..NOTICED => Finding::ok(check, what),
        NOTICED..=TOO_MANY => Finding::note(check, what, todo),
        _ => Finding::failed(check, what, todo),
    }
}
