//! The small pictures above the titles: one stroked path each, no files.

/// The small picture above a title.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Alert,
    Broken,
    Check,
    Clock,
    Computer,
    Leave,
    Link,
    Lock,
    Phone,
    Search,
    Tap,
}

impl Sign {
    /// The colours it comes in: a class of the stylesheet.
    pub(super) fn tone(self) -> &'static str {
        match self {
            Self::Alert | Self::Clock | Self::Lock => "warn",
            Self::Broken => "stop",
            Self::Check
            | Self::Computer
            | Self::Leave
            | Self::Link
            | Self::Phone
            | Self::Search
            | Self::Tap => "calm",
        }
    }

    /// The strokes, on a field of 24 by 24.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Alert => {
                "M12 9v4.5M12 17v.01M10.3 4.5 3 17.1a2 2 0 0 0 1.7 3h14.6a2 2 0 0 0 1.7-3L13.7 4.5a2 2 0 0 0-3.4 0z"
            }
            Self::Broken => "M9 3v4M15 3v4M6 7h12v3a6 6 0 0 1-12 0zM12 16v5",
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Clock => "M12 7.5V12l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
            Self::Computer => {
                "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM9 20h6M12 16v4"
            }
            Self::Leave => "M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M10 12h10M16.5 8.5 20 12l-3.5 3.5",
            Self::Link => {
                "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"
            }
            Self::Lock => {
                "M8 11V8a4 4 0 0 1 8 0v3M6.5 11h11a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18.5v-6A1.5 1.5 0 0 1 6.5 11z"
            }
            Self::Phone => {
                "M8.5 3h7A1.5 1.5 0 0 1 17 4.5v15a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 7 19.5v-15A1.5 1.5 0 0 1 8.5 3zM11 18h2"
            }
            Self::Search => "M20 20l-4.2-4.2M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0",
            Self::Tap => {
                "M9 11.5V5a1.5 1.5 0 0 1 3 0v6l4.7 1a2.5 2.5 0 0 1 1.9 2.8l-.5 3.7a2.5 2.5 0 0 1-2.5 2H12a3 3 0 0 1-2.3-1.1L5.5 14.5a1.6 1.6 0 0 1 2.3-2.2L9 13.5"
            }
        }
    }
}
