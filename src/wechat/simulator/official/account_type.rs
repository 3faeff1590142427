//! What Official Accounts of each type may do (接口权限说明).

/// The type of an Official Account, and whether it is verified (认证).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AccountType {
    /// 未认证服务号.
    Service,
    /// 未认证订阅号 (公众号), such as a private person's.
    Subscription,
    /// 认证服务号: the only type that may do everything.
    #[default]
    VerifiedService,
    /// 认证订阅号 (公众号).
    VerifiedSubscription,
}

impl AccountType {
    /// 网页授权: pages may ask who somebody is.
    pub(in crate::wechat::simulator) fn may_sign_people_in(self) -> bool {
        self == Self::VerifiedService
    }

    /// 生成带参数的二维码.
    pub(super) fn may_make_codes(self) -> bool {
        self == Self::VerifiedService
    }

    /// 获取用户基本信息.
    pub(super) fn may_read_followers(self) -> bool {
        self.is_verified()
    }

    pub(in crate::wechat::simulator) fn is_verified(self) -> bool {
        matches!(self, Self::VerifiedService | Self::VerifiedSubscription)
    }
}
