//! Which program shows the page, by its User-Agent: a hint for choosing a way in, never a reason to let anyone in.

/// The program that asks, as far as its User-Agent tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Browser {
    /// Whose program it is.
    pub program: Program,
    /// What it runs on.
    pub system: System,
    /// A mini-program's runtime or web-view.
    pub mini_program: bool,
    /// WeChat's developer tools.
    pub developer_tools: bool,
}

/// Whose program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// Any browser or app that is not WeChat.
    Other,
    /// Personal WeChat's own browser.
    Wechat,
    /// WeCom (企业微信), which also says MicroMessenger.
    Wecom,
    /// A company's private WeCom, which also says wxwork.
    WecomPrivate,
}

/// The system below it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum System {
    /// Android phones and tablets.
    Android,
    /// HarmonyOS NEXT.
    Harmony,
    /// iPhone, iPad, iPod.
    Ios,
    /// Desktop Linux.
    Linux,
    /// macOS (and iPads that say so).
    Mac,
    /// No hint.
    Unknown,
    /// Windows.
    Windows,
}

impl Browser {
    /// Classifies a User-Agent. The order of the tests is what makes it right: every WeCom also says MicroMessenger,
    /// and Mac and Linux WeChat may say Windows.
    pub fn of(user_agent: &str) -> Self {
        let text = user_agent.to_ascii_lowercase();
        let program = if text.contains("wxworklocal/") || text.contains("wwlocal/") {
            Program::WecomPrivate
        } else if has_word(&text, "wxwork", |next| !next.is_ascii_lowercase()) {
            Program::Wecom
        } else if has_word(&text, "micromessenger/", |next| next.is_ascii_digit()) {
            Program::Wechat
        } else {
            Program::Other
        };
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let system = if has(&["openharmony"]) {
            System::Harmony
        } else if has(&["unifiedpclinuxwechat"]) || (has(&["x11; linux"]) && !has(&["android"])) {
            System::Linux
        } else if has(&["iphone", "ipad", "ipod"]) {
            System::Ios
        } else if has(&["android"]) {
            System::Android
        } else if has(&["macintosh", "macwechat"]) {
            System::Mac
        } else if has(&["windows nt", "windowswechat"]) {
            System::Windows
        } else {
            System::Unknown
        };
        let mini_program = program != Program::Other && has(&["miniprogram/", "miniprogramenv/"]);
        Self { program, system, mini_program, developer_tools: has(&["wechatdevtools/"]) }
    }

    /// Whether it is held in the hand, so that it cannot scan what it shows.
    pub fn is_handheld(self) -> bool {
        matches!(self.system, System::Android | System::Harmony | System::Ios)
    }
}

/// Program and system, in two words that are the same in every language; `None` if neither is known.
pub fn words(user_agent: &str) -> Option<String> {
    let seen = Browser::of(user_agent);
    let has = |word: &str| user_agent.contains(word);
    let program = match seen.program {
        Program::Wechat => "WeChat",
        Program::Wecom | Program::WecomPrivate => "WeCom",
        Program::Other if has("Edg") => "Edge",
        Program::Other if has("Firefox/") || has("FxiOS/") => "Firefox",
        Program::Other if has("OPR/") => "Opera",
        Program::Other if has("Chrome/") || has("CriOS/") => "Chrome",
        Program::Other if has("Safari/") => "Safari",
        Program::Other if seen.system == System::Unknown => return None,
        Program::Other => "?",
    };
    let system = match seen.system {
        System::Android => "Android",
        System::Harmony => "HarmonyOS",
        System::Ios => "iOS",
        System::Linux => "Linux",
        System::Mac => "macOS",
        System::Unknown => return Some(program.to_owned()),
        System::Windows => "Windows",
    };
    Some(format!("{program} · {system}"))
}

/// Whether `word` occurs with no letter before it and a fitting character, or nothing, behind it.
fn has_word(text: &str, word: &str, fits: impl Fn(char) -> bool) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let behind = text[start + word.len()..].chars().next();
        !before.is_some_and(|before| before.is_ascii_lowercase())
            && behind.map_or(!word.ends_with('/'), &fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field's samples, one JSON object each.
    const SAMPLES: &str = include_str!("../../tests/data/user_agents.json");

    #[test]
    fn every_sample_is_classified_right() {
        let samples: Vec<serde_json::Value> = serde_json::from_str(SAMPLES).unwrap();
        assert!(samples.len() > 30);
        for sample in samples {
            let user_agent = sample["ua"].as_str().unwrap();
            let browser = Browser::of(user_agent);
            let program = match sample["expect"].as_str().unwrap() {
                "wechat" => Program::Wechat,
                "wecom" => Program::Wecom,
                "wecom_private" => Program::WecomPrivate,
                _ => Program::Other,
            };
            let system = match sample["os"].as_str().unwrap() {
                "android" => System::Android,
                "harmony" => System::Harmony,
                "ios" => System::Ios,
                "linux" => System::Linux,
                "mac" => System::Mac,
                "windows" => System::Windows,
                other => panic!("{other}"),
            };
            let flag = |name: &str| sample["flags"][name].as_bool().unwrap();
            assert_eq!((browser.program, browser.system), (program, system), "{user_agent}");
            assert_eq!(browser.mini_program, flag("miniprogram"), "{user_agent}");
            assert_eq!(browser.developer_tools, flag("devtools"), "{user_agent}");
            assert_eq!(!browser.is_handheld(), flag("desktop"), "{user_agent}");
        }
    }

    #[test]
    fn browsers_are_named_in_two_words() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
                "Edge · Windows",
            ),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile MicroMessenger/8.0.50", "WeChat · iOS"),
        ] {
            assert_eq!(words(user_agent).as_deref(), Some(expected));
        }
        for unknown in ["curl/8.0", "\u{202e}\u{1b}[2J", ""] {
            assert_eq!(words(unknown), None);
        }
    }

    #[test]
    fn look_alikes_are_not_wechat() {
        for user_agent in
            ["NotMicroMessenger/8.0", "MicroMessenger", "MicroMessenger/x", "AliApp MiniProgram/1", ""]
        {
            let browser = Browser::of(user_agent);
            assert_eq!(browser.program, Program::Other, "{user_agent}");
            assert!(!browser.mini_program, "{user_agent}");
        }
        assert_eq!(Browser::of("(MicroMessenger/6.2)").program, Program::Wechat);
        assert_eq!(Browser::of("x wxwork").program, Program::Wecom);
        assert_eq!(Browser::of("wxworker/1").program, Program::Other);
    }
}
