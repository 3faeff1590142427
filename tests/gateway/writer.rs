//! A process that writes into the store as fast as it can and says what was acknowledged, until it is killed: this program
//! itself, run once more for one test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use wxgate::members::{Directory, Invitation, JoinSettings, Newcomer};
use wxgate::model::clock;
use wxgate::model::identity::{Account, Profile};
use wxgate::model::member::{Change, Groups, Member, MemberId, Status};
use wxgate::store::{MemberKey, Opening, StoreError, StoreSettings, open};

use crate::support::PATIENCE;
use crate::support::people::operator;

/// What it is told: where the store is, where the marker is, and the first number.
const URL: &str = "WXGATE_TEST_URL";
const DATA_DIR: &str = "WXGATE_TEST_DATA_DIR";
const FROM: &str = "WXGATE_TEST_FROM";

/// The codes of invitations that were used or not, and are tried once more.
const CODES: &str = "WXGATE_TEST_CODES";

const DAY: Duration = Duration::from_secs(86_400);

/// The store, opened once more.
pub(crate) async fn directory(url: &str, data_dir: &Path, opening: Opening) -> Arc<Directory> {
    let settings = StoreSettings { url: url.parse().unwrap(), ca_file: None, data_dir: data_dir.to_owned() };
    Directory::new(open(&settings, opening, Handle::current()).await.unwrap(), Handle::current())
}

/// Somebody signs in for the first time.
async fn arrival(directory: &Directory) -> Member {
    let openid = wxgate::seal::hex(&wxgate::seal::random::<16>());
    let newcomer = Newcomer {
        account: Account { app_id: "wxwebsite".to_owned(), openid },
        unionid: None,
        profile: Profile::default(),
        repeats: Vec::new(),
        browser: String::new(),
        client: [127, 0, 0, 1].into(),
        request_id: String::new(),
    };
    let (session, now) = (wxgate::seal::random(), clock::now());
    directory.welcome(newcomer, session, now + DAY, &JoinSettings::default(), now).await.unwrap()
}

/// What the store says as soon as a busy computer leaves it the time.
async fn said<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Err(StoreError::Busy | StoreError::Unavailable(_)) if Instant::now() < deadline => {}
            answer => return answer.unwrap(),
        }
    }
}

/// The ticket of this number.
fn ticket(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

/// What was claimed by the number, and joined by the code, may be tried by others: once it counts.
async fn use_once(directory: &Directory, number: u64, code: &str, say: &mut impl FnMut(String)) {
    if directory.claim_ticket(ticket(number), clock::now() + DAY).await.unwrap() {
        say(format!("claimed {number}"));
    }
    let guest = arrival(directory).await;
    if directory.join(&operator(), &guest.id, code).await.is_ok() {
        say(format!("joined {code} {}", guest.id));
    }
}

/// Writes numbers from `from` on, and says each thing when it was acknowledged, before the next begins.
async fn write(directory: &Directory, numbers: impl Iterator<Item = u64>, say: &mut impl FnMut(String)) {
    for number in numbers {
        say(format!("begun {number}"));
        let id = arrival(directory).await.id;
        say(format!("arrived {id}"));
        let groups: Groups = "staff".parse().unwrap();
        directory.change(&operator(), &id, Change::Approve(Some(groups.clone()))).await.unwrap();
        say(format!("approved {id}"));
        if number % 3 == 0 {
            directory.change(&operator(), &id, Change::Block).await.unwrap();
            say(format!("blocked {id}"));
        }
        if number % 3 == 1 {
            directory.end_sessions(&operator(), &id).await.unwrap();
            say(format!("ended {id}"));
        }
        let invitation = Invitation { groups, uses: Some(1), lifetime: DAY, note: String::new() };
        let (_, code) = directory.invite(&operator(), invitation).await.unwrap();
        say(format!("invited {}", code.reveal()));
        use_once(directory, number, code.reveal(), say).await;
    }
}

/// Everything that was ever acknowledged.
#[derive(Default)]
pub(crate) struct Acknowledged {
    /// The last number that was begun.
    pub(crate) last: u64,
    /// How many things there were.
    pub(crate) count: usize,
    /// What is to be seen of each member.
    members: BTreeMap<String, BTreeSet<String>>,
    codes: Vec<String>,
    claimed: BTreeSet<u64>,
    joined: BTreeSet<String>,
}

impl Acknowledged {
    /// Takes down what a writer said; gives the members it was about, to be looked at.
    pub(crate) fn note(&mut self, said: &[String]) -> Vec<String> {
        let mut touched = Vec::new();
        for line in said {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["begun", number] => self.last = number.parse().unwrap(),
                ["invited", code] => self.codes.push(code.to_owned()),
                ["claimed", number] => {
                    assert!(self.claimed.insert(number.parse().unwrap()), "{number} was claimed twice");
                }
                ["joined", code, who] => {
                    assert!(self.joined.insert(code.to_owned()), "{code} was used twice");
                    self.members.entry(who.to_owned()).or_default().insert("joined".to_owned());
                    touched.push(who.to_owned());
                }
                [what, who] => {
                    self.members.entry(who.to_owned()).or_default().insert(what.to_owned());
                    touched.push(who.to_owned());
                }
                _ => panic!("{line}"),
            }
            self.count += usize::from(words[0] != "begun");
        }
        touched.dedup();
        touched
    }

    /// Looks whether all of it is there: of these members, and of the last things that count once.
    pub(crate) async fn is_kept(&self, directory: &Directory, touched: &[String]) {
        let now = clock::now();
        for who in touched {
            let id: MemberId = who.parse().unwrap();
            let detail = said(async || directory.member(MemberKey::Id(id.clone()), now).await).await;
            let detail = detail.unwrap_or_else(|| panic!("{who} is gone"));
            let status = detail.member.status;
            for what in &self.members[who] {
                let is_so = match what.as_str() {
                    "arrived" => !detail.accounts.is_empty(),
                    // A block may have come true and not been acknowledged.
                    "approved" => matches!(status, Status::Active | Status::Blocked),
                    "blocked" => status == Status::Blocked,
                    "joined" => status == Status::Active,
                    _ => detail.sessions.iter().all(|session| session.ended),
                };
                assert!(is_so, "{who} was {what}: {detail:?}");
            }
        }
        for number in self.claimed.iter().rev().take(20) {
            let expires = now + DAY;
            let is_free = said(async || directory.claim_ticket(ticket(*number), expires).await).await;
            assert!(!is_free, "{number} is free again");
        }
        for code in self.codes.iter().rev().take(20).filter(|code| self.joined.contains(*code)) {
            let invitation = said(async || directory.invitation(code, now).await).await;
            assert!(invitation.is_none(), "{code} is good again");
        }
    }

    /// Every member there is.
    pub(crate) fn everybody(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }
}

/// The process.
pub(crate) struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Writer {
    /// Starts it behind everything that was acknowledged so far.
    pub(crate) fn start(url: &str, data_dir: &Path, known: &Acknowledged) -> Self {
        let codes: Vec<&str> = known.codes.iter().rev().take(2).map(String::as_str).collect();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer::it_says_what_was_acknowledged_and_nothing_else", "--nocapture"])
            .env(URL, url)
            .env(DATA_DIR, data_dir)
            .env(FROM, (known.last + 1).to_string())
            .env(CODES, codes.join(" "))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(said) = line.strip_prefix("> ") {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until some things were acknowledged, and gives what it said till then.
    pub(crate) fn first_words(&self) -> Vec<String> {
        let (mut said, mut acknowledged) = (Vec::new(), 0);
        while acknowledged < 4 {
            let line = self.lines.recv_timeout(PATIENCE).expect("the writer writes");
            acknowledged += u32::from(!line.starts_with("begun"));
            said.push(line);
        }
        said
    }

    /// Kills it, and gives what it said till then.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

#[tokio::test]
async fn it_says_what_was_acknowledged_and_nothing_else() {
    if let Ok(url) = std::env::var(URL) {
        let told = |name| std::env::var(name).unwrap();
        let directory = directory(&url, Path::new(&told(DATA_DIR)), Opening::Create).await;
        // Standard output is written out line by line; what else stands there has no mark.
        println!();
        let mut say = |line: String| println!("> {line}");
        let from: u64 = told(FROM).parse().unwrap();
        for code in told(CODES).split_whitespace() {
            use_once(&directory, from - 1, code, &mut say).await;
        }
        write(&directory, from.., &mut say).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let directory = directory("sqlite:wxgate.db", folder.path(), Opening::Create).await;
    let (mut said, mut known) = (Vec::new(), Acknowledged::default());
    write(&directory, 1..=6, &mut |line| said.push(line)).await;
    let touched = known.note(&said);
    assert_eq!((known.claimed.len(), known.joined.len(), known.last), (6, 6, 6));
    known.is_kept(&directory, &touched).await;
    let mut again = Vec::new();
    for (number, code) in (1..).zip(&known.codes) {
        use_once(&directory, number, code, &mut |line| again.push(line)).await;
    }
    assert!(again.is_empty(), "{again:?}");
}
