//! Every way in which opening the store can fail says what to do, and nothing that must not be said.

use std::pin::pin;

use super::*;
use crate::store::migrations::{POSTGRES, newest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// Makes a database what the first version made it.
const OLDER: &str =
    "ALTER TABLE members DROP COLUMN before_block; DROP TABLE pairings; UPDATE wxgate SET schema = 1";

/// What opening `url` is refused with.
async fn refusal(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    refusal_in(url, folder.path()).await
}

async fn refusal_in(url: &str, data_dir: &Path) -> String {
    refusal_within(Deadlines::AMPLE, url, data_dir).await
}

async fn refusal_within(deadlines: Deadlines, url: &str, data_dir: &Path) -> String {
    let error = at_within(deadlines, url, data_dir).await.unwrap_err();
    let text = format!("{error}");
    assert!(!format!("{text}{error:?}").contains(PASSWORD), "{text}");
    assert!(text.starts_with("postgres://"), "{text}");
    text
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let server = Postgres::shared();
    let name = database(server);
    let url = server.url(&name);
    let says = |text: &str, words: &[&str]| {
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    says(
        &refusal(&url.replace(PASSWORD, "wrong")).await,
        &["password authentication failed", "28P01", "correct the user or the password"],
    );
    says(&refusal(&url.replace(&format!(":{PASSWORD}"), "")).await, &["password"]);
    says(
        &refusal(&server.url("no_such")).await,
        &["no_such", "3D000", "correct the name of the database", "createdb"],
    );
    says(
        &refusal(&url.replace(&server.port().to_string(), "1")).await,
        &["127.0.0.1:1/", "refused", "see that PostgreSQL runs"],
    );
    says(&refusal(&format!("{url}?sslmode=require")).await, &["does not support TLS", "ssl = on"]);
    says(&refusal(&url.replace("127.0.0.1", "db.invalid")).await, &["db.invalid:", "look its name up"]);
    says(
        &refusal(&url.replace("127.0.0.1", "%2Fno%2Fsuch")).await,
        &["/no/such:", "no server has its socket"],
    );
    says(&refusal(&url.replace("wxgate:", "nobody:")).await, &["nobody", "correct the user"]);
    server.sql(
        "postgres",
        "CREATE ROLE outsider NOLOGIN PASSWORD '{PASSWORD}'".replace("{PASSWORD}", PASSWORD).as_str(),
    );
    says(&refusal(&url.replace("wxgate:", "outsider:")).await, &["28000", "pg_hba.conf"]);
    server.sql("postgres", "CREATE DATABASE store_of_another");
    says(&refusal(&server.url("store_of_another")).await, &["permission denied", "GRANT CREATE"]);
    server.sql(
        "postgres",
        "CREATE DATABASE latin OWNER wxgate ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    says(&refusal(&server.url("latin")).await, &["--encoding=UTF8"]);
    server.sql("postgres", "CREATE DATABASE reads OWNER wxgate");
    server.sql("postgres", "ALTER DATABASE reads SET default_transaction_read_only = on");
    says(&refusal(&server.url("reads")).await, &["does not allow writes", "primary"]);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let server = Postgres::start();
    let url = server.url(&database(&server));
    server.freeze();
    let folder = tempfile::tempdir().unwrap();
    let given_up = refusal_within(Deadlines::PROMISED, &url, folder.path());
    let text = within(Deadlines::PROMISED.opening * 3, "it is given up", given_up).await;
    assert!(text.contains("no answer within 5s"), "{text}");
}

#[tokio::test]
async fn a_database_that_is_gone_empty_another_or_newer_is_never_made_anew() {
    let server = Postgres::shared();
    let name = database(server);
    let url = server.url(&name);
    let folder = tempfile::tempdir().unwrap();
    drop(at(&url, folder.path()).await.unwrap());
    drop(at(&url, folder.path()).await.unwrap());

    server.sql(&name, "UPDATE wxgate SET schema = 99");
    assert!(refusal_in(&url, folder.path()).await.contains("newer wxgate (schema 99"));
    server.sql(&name, "UPDATE wxgate SET schema = 1, store_id = 'another'");
    assert!(refusal_in(&url, folder.path()).await.contains("is another database"));
    server.sql(&name, "DELETE FROM wxgate");
    assert!(refusal_in(&url, folder.path()).await.contains("does not say which store it is"));
    server.sql(&name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION wxgate");
    assert!(refusal_in(&url, folder.path()).await.contains("is empty"));
    assert_eq!(server.sql(&name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    server.sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
    assert!(refusal_in(&url, folder.path()).await.contains("is not there"));
}

#[tokio::test]
async fn a_database_of_an_older_version_is_brought_up_to_date_by_the_gateway_alone() {
    let server = Postgres::shared();
    let name = database(server);
    let url = server.url(&name);
    let folder = tempfile::tempdir().unwrap();
    let id = member(&at(&url, folder.path()).await.unwrap(), "alice").await.id;
    server.sql(&name, OLDER);
    let refused = existing(&url, folder.path()).await.unwrap_err();
    assert!(refused.to_string().contains("older wxgate"), "{refused}");
    let store = at(&url, folder.path()).await.unwrap();
    let alice = store.change(id, Change::Block, note(AuditKind::Blocked)).await.unwrap();
    assert_eq!(alice.before_block, Some(Status::Guest));
    assert_eq!(server.sql(&name, "SELECT schema FROM wxgate"), newest(POSTGRES).to_string());
}

/// A database of the version before, and its name.
async fn of_an_older_version(server: &Postgres, data_dir: &Path) -> String {
    let name = database(server);
    drop(at(&server.url(&name), data_dir).await.unwrap());
    server.sql(&name, OLDER);
    name
}

#[tokio::test]
async fn an_upgrade_that_a_long_reader_is_in_the_way_of_holds_nobody_up_and_says_so() {
    let server = Postgres::shared();
    let folder = tempfile::tempdir().unwrap();
    let name = of_an_older_version(server, folder.path()).await;
    let reader = connected(server, &name).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM members").await.unwrap();
    let another = connected(server, &name).await;
    // Another node gives a request up when it has waited for a second; this computer may be three times as slow.
    another.batch_execute("SET lock_timeout = 3000").await.unwrap();
    let (url, data_dir) = (server.url(&name), folder.path());
    let deadlines = Deadlines { upgrading: Deadlines::PROMISED.upgrading, ..Deadlines::AMPLE };
    let mut opening = pin!(refusal_within(deadlines, &url, data_dir));
    let mut reads = 0;
    let said = loop {
        let read = another.query("SELECT id FROM members", &[]);
        tokio::select! {
            said = &mut opening => break said,
            read = read => { read.expect("another node reads on"); reads += 1; }
        }
    };
    assert!(said.contains("pg_dump") && said.contains("start"), "{said}");
    assert!(reads > 0);
    assert_eq!(server.sql(&name, "SELECT schema FROM wxgate"), "1");
    reader.batch_execute("COMMIT").await.unwrap();
    at(&url, data_dir).await.unwrap();
    assert_eq!(server.sql(&name, "SELECT schema FROM wxgate"), newest(POSTGRES).to_string());
}

#[tokio::test]
async fn an_upgrade_goes_on_when_a_reader_is_done() {
    let server = Postgres::shared();
    let folder = tempfile::tempdir().unwrap();
    let name = of_an_older_version(server, folder.path()).await;
    let reader = connected(server, &name).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM members").await.unwrap();
    let url = server.url(&name);
    let opening = tokio::spawn(async move { at(&url, folder.path()).await.map(drop) });
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'members'::regclass";
    let another = connected(server, &name).await;
    // The second: not before that try has failed.
    for waits in [true, false] {
        while another.query(waiting, &[]).await.unwrap().is_empty() == waits {
            assert!(!opening.is_finished(), "it does not go on");
        }
    }
    reader.batch_execute("COMMIT").await.unwrap();
    opening.await.unwrap().unwrap();
    assert_eq!(server.sql(&name, "SELECT schema FROM wxgate"), newest(POSTGRES).to_string());
}

#[tokio::test]
async fn a_command_makes_no_database() {
    let server = Postgres::shared();
    let name = database(server);
    let folder = tempfile::tempdir().unwrap();
    let url = server.url(&name);
    existing(&url, folder.path()).await.unwrap_err();
    assert_eq!(server.sql(&name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    drop(at(&url, folder.path()).await.unwrap());
    existing(&url, folder.path()).await.unwrap().check().await.unwrap();
}

#[tokio::test]
async fn a_socket_on_this_machine_will_do() {
    let server = Postgres::shared();
    let socket = server.folder().display().to_string().replace('/', "%2F");
    let url = server.url(&database(server)).replace("127.0.0.1", &socket);
    let folder = tempfile::tempdir().unwrap();
    let store = at(&url, folder.path()).await.unwrap();
    assert!(claim(&store).await.unwrap());
    assert!(store.place().starts_with(&format!(
        "postgres://{}:{}/store_",
        server.folder().display(),
        server.port()
    )));
}

#[tokio::test]
async fn a_standby_is_passed_over() {
    let standby = Postgres::start();
    let primary = Postgres::shared();
    let name = database(primary);
    standby.create_database(&name);
    standby.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
    standby.stop();
    standby.start_again();
    let hosts = |ports: &[u16]| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        primary.url(&name).replace(&format!("127.0.0.1:{}", primary.port()), &hosts.join(","))
    };
    let folder = tempfile::tempdir().unwrap();
    let store = at(&hosts(&[1, standby.port(), primary.port()]), folder.path()).await.unwrap();
    assert!(claim(&store).await.unwrap());
    assert_eq!(primary.sql(&name, "SELECT count(*) FROM claims"), "1");
    let places = [1, standby.port(), primary.port()].map(|port| format!("127.0.0.1:{port}")).join(",");
    assert_eq!(store.place(), format!("postgres://{places}/{name}"));
    assert!(!format!("{store:?}").contains(PASSWORD));
    assert!(
        matches!(store.backup("x".into()).await, Err(StoreError::NotHere(words)) if words.contains("pg_dump"))
    );
}

#[tokio::test]
async fn tls_is_spoken_with_a_server_that_the_named_authority_vouches_for() {
    let server = Postgres::start();
    let url = server.url(&database(&server)).replace("127.0.0.1", "localhost");
    let authority = |name: &str| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, others) = (authority("ours"), authority("others"));
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let rules = "local all all password\nhostssl all all all scram-sha-256".to_owned();
    let write = |file: &str, text: String| {
        let lines = format!("SELECT unnest(string_to_array(trim('{text}'), E'\\n'))");
        server.sql("postgres", &format!("COPY ({lines}) TO PROGRAM 'umask 077; cat >{file}'"));
    };
    write("server.key", key.serialize_pem());
    write("server.crt", certificate.pem());
    write("pg_hba.conf", rules);
    server.sql("postgres", "ALTER SYSTEM SET ssl = on");
    server.stop();
    server.start_again();

    let folder = tempfile::tempdir().unwrap();
    let trusting = |pem: String, url: &str| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        StoreSettings { ca_file: Some(file), ..settings(url, folder.path()) }
    };
    let url = format!("{url}?sslmode=require");
    let open = |settings: StoreSettings| async move {
        open_within(Deadlines::AMPLE, &settings, Opening::Create, background()).await
    };
    let store = open(trusting(ours.pem(), &url)).await.unwrap();
    store.check().await.unwrap();
    let ssl =
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'wxgate'";
    assert_eq!(server.sql("postgres", ssl), "t");
    for settings in [trusting(others.pem(), &url), settings(&url, folder.path())] {
        let error = open(settings).await.unwrap_err().to_string();
        assert!(error.contains("TLS") && error.contains("ca_file"), "{error}");
    }
    let error = open(trusting(String::new(), &url)).await.unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");

    // One that vouches for itself: as Debian makes it, and as openssl does unless it is told.
    for (is_ca, advice) in
        [(IsCa::ExplicitNoCa, None), (IsCa::Ca(BasicConstraints::Unconstrained), Some("CA:FALSE"))]
    {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let own = params.self_signed(&key).unwrap();
        write("server.crt", own.pem());
        server.stop();
        server.start_again();
        let opened = open(trusting(own.pem(), &url)).await;
        match (opened, advice) {
            (Ok(store), None) => store.check().await.unwrap(),
            (Err(error), Some(advice)) => assert!(error.to_string().contains(advice), "{error}"),
            (opened, advice) => panic!("{advice:?}: {opened:?}"),
        }
    }
}
