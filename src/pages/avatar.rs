//! Pictures of people: WeChat's own, and from nowhere else.

/// Where WeChat keeps pictures; what the policy of our pages allows.
const PLACES: [&str; 2] = ["https://thirdwx.qlogo.cn/", "https://wx.qlogo.cn/"];

/// The address of a picture, if it is one of WeChat's.
pub(super) fn avatar(address: &str) -> Option<&str> {
    const LONGEST: usize = 512;
    let is_known = PLACES.iter().any(|place| address.starts_with(place));
    let is_plain = address.len() <= LONGEST && address.bytes().all(|byte| byte.is_ascii_graphic());
    (is_known && is_plain).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wechats_pictures_are_shown() {
        let known = "https://thirdwx.qlogo.cn/mmopen/vi_32/x/132";
        assert_eq!(avatar(known), Some(known));
        for other in [
            "",
            "http://thirdwx.qlogo.cn/x",
            "https://thirdwx.qlogo.cn.evil/x",
            "https://evil@wx.qlogo.cn/",
            "https://wx.qlogo.cn/a b",
            "javascript:alert(1)",
            "data:image/png,x",
        ] {
            assert_eq!(avatar(other), None, "{other}");
        }
    }
}
