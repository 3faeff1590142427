//! The words of people on their way to becoming members, in Chinese.

/// The words, page by page, in the same order as in `people_en.rs`.
pub(super) const WORDS: &[(&str, &str)] = &[
    // asking for access
    ("stranger.title", "还差一步"),
    ("stranger.text", "你已用微信登录为“{name}”，但还没有访问 {site} 的权限。"),
    ("stranger.message", "给管理员留言（选填）"),
    ("stranger.ask", "申请访问"),
    ("stranger.join", "加入"),
    ("stranger.closed", "只有管理员可以添加成员。请联系管理员，并告知你的昵称和昵称下面的成员 ID。"),
    ("stranger.uninvited", "需要邀请才能加入：请向管理员要一个邀请链接，然后在这里打开。"),
    ("stranger.not_you", "不是你？"),
    ("stranger.switch", "换一个微信号"),
    ("stranger_refused.title", "申请没有通过"),
    ("stranger_refused.text", "管理员没有同意“{name}”访问 {site}。"),
    ("stranger_refused.more", "如有疑问，请联系管理员，并告知昵称下面的成员 ID。"),
    // waiting
    ("waiting.title", "等待管理员批准"),
    ("waiting.text", "申请已提交，批准后会自动进入，也可以关闭页面稍后再来。"),
    ("waiting.code", "请把这个申请码告诉管理员"),
    ("waiting.asked", "申请时间"),
    ("waiting.message", "留言"),
    ("waiting.state", "正在等待批准…"),
    ("waiting.news", "有结果了，正在打开…"),
    ("waiting.look", "查看申请状态"),
    // invitations, and the first administrator
    ("invited.title", "邀请你加入 {site}"),
    ("invited.text", "你将以“{name}”的身份加入 {site}。"),
    ("invited.button", "接受邀请"),
    ("invitation_spent.title", "这个邀请已失效"),
    (
        "invitation_spent.text",
        "邀请可能已经用过、过期或被撤回，也可能链接不完整，或者网站现在不接受邀请。请向发邀请的人再要一个。",
    ),
    ("set_up.title", "成为 {site} 的管理员？"),
    ("set_up.text", "“{name}”将可以决定谁能访问 {site}。"),
    ("set_up.button", "成为管理员"),
    ("set_up_spent.title", "这个设置链接已失效"),
    (
        "set_up_spent.text",
        "链接可能已经用过或过期，也可能不完整。请在服务器上运行“wxgate setup-link”，得到新的链接。",
    ),
    // forms that were not carried out
    ("once_more.title", "还没有保存"),
    (
        "once_more.stale",
        "页面打开的时间太长，或者你之后重新登录过。还没有做任何改动，填写的内容都在。要现在提交吗？",
    ),
    ("once_more.down", "数据库暂时没有响应。填写的内容都在，请稍等片刻再提交一次。"),
    ("once_more.button", "再次提交"),
    ("not_possible.title", "现在不能这样做了"),
    ("not_possible.text", "情况在这期间有了变化，所以没有执行。请返回并刷新页面。"),
];
