//! No header and no spelling of a host makes one address stand for another.

use http::StatusCode;

use crate::proxies::Proxy;
use crate::reading::{assert_refusal, is_below, is_host, is_open, readings, sent};
use crate::stage::Stage;

pub(crate) async fn no_header_speaks_for_another_address(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let lin = stage.cookie_line("Lin").await;
    let (open, closed) = (stage.url("/public"), stage.url("/closed"));
    let second = stage.second_authority.clone();
    let mut lies = Vec::new();
    for value in ["/public", open.as_str(), &closed, "/closed", &stage.second_url("/")] {
        for name in ["X-Original-URL", "X-Original-URI", "X-Original-Uri", "X-Forwarded-Uri", "X-Rewrite-URL"]
        {
            lies.push(format!("{name}: {value}\r\n"));
        }
        for name in [
            "X_Original_URL",
            "X-Original_URL",
            "X-Forwarded_Uri",
            "x_forwarded_uri",
            "X-Envoy-Original-Path",
        ] {
            lies.push(format!("{name}: {value}\r\n"));
        }
        lies.push(format!("X-Original-URL: {value}\r\nX-Original-Method: GET\r\n").repeat(2));
    }
    for value in [second.as_str(), "evil.test", "a.localhost", "a.localhost, b.localhost"] {
        for name in
            ["X-Forwarded-Host", "X-Forwarded_Host", "X-Host", "X-Forwarded-Server", "X-Original-Host"]
        {
            lies.push(format!("{name}: {value}\r\n"));
        }
        lies.push(format!("Forwarded: host=\"{value}\"\r\n"));
    }
    for value in ["GET", "OPTIONS", "DELETE", "nonsense"] {
        for name in [
            "X-Forwarded-Method",
            "X-Original-Method",
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X_Forwarded_Method",
        ] {
            lies.push(format!("{name}: {value}\r\n"));
        }
    }
    for value in ["https", "ws", "nonsense"] {
        lies.push(format!(
            "X-Forwarded-Proto: {value}\r\nX-Forwarded-Scheme: {value}\r\nX-Scheme: {value}\r\n"
        ));
    }
    lies.push("X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: ::1\r\nForwarded: for=127.0.0.1\r\n".to_owned());
    lies.push("X-Envoy-Auth-Headers-To-Remove: cookie\r\nX-Envoy-External-Address: 6.6.6.6\r\n".to_owned());
    for lie in &lies {
        // The plain status, or no at all where a name is written oddly.
        for (path, who, plain) in
            [("/x", "", 401), ("/x", lin.as_str(), 200), ("/closed", &lin, 403), ("/public", "", 200)]
        {
            let (status, arrived, second) =
                sent(&stage, &stage.request("GET", path, &format!("{lie}{who}"))).await;
            assert_eq!(second.len(), 0, "{lie}");
            let refused = lie.contains('_') && [400, 403].contains(&status);
            assert!(status == plain || refused, "{path} with {lie}: {status}");
            assert_eq!(arrived.len(), usize::from(status == 200), "{path} with {lie}");
            for arrived in arrived {
                assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("GET", path), "{lie}");
                assert_eq!(arrived.header("host"), stage.authority, "{lie}");
            }
        }
    }
}

pub(crate) async fn no_host_stands_in_for_another(proxy: Proxy) {
    let stage = Stage::before(proxy).await;
    let (own, second) = (stage.authority.clone(), stage.second_authority.clone());
    let port = own.rsplit_once(':').unwrap().1.to_owned();
    let request = |target: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        format!("GET {target} HTTP/1.1\r\n{hosts}\r\n")
    };
    // Both hosts as they are, in any case.
    for host in [own.clone(), own.to_ascii_uppercase()] {
        assert_eq!(sent(&stage, &request("/", &[&host])).await.0, 401, "{host}");
        assert_eq!(sent(&stage, &request("/public", &[&host])).await.0, 200, "{host}");
    }
    assert_eq!(sent(&stage, &request("/", &[&second])).await.2.len(), 1);
    assert_eq!(sent(&stage, &request("/members", &[&second])).await.0, 401);

    let absolute = |host: &str, path: &str| format!("http://{host}{path}");
    let foreign =
        ["evil.test", "evil-a.localhost", "a.localhost.evil.test", "xa.localhost", "localhost", "127.0.0.1"];
    let mut requests: Vec<String> = Vec::new();
    for path in ["/x", "/public", "/members", "/closed"] {
        for (target, host) in [(&own, &second), (&second, &own)] {
            requests.push(request(&absolute(target, path), &[host]));
            requests.push(request(path, &[target, host]));
            requests.push(request(path, &[&format!("{target}, {host}")]));
            requests.push(request(path, &[&format!("{target}@{host}")]));
            requests.push(request(path, &[&format!("{target}/{host}")]));
            requests.push(request(&format!("//{target}{path}"), &[host]));
            requests.push(request(&format!("https://{target}{path}"), &[host]));
            requests.push(request(&format!("http://{target}@{host}{path}"), &[target]));
            requests.push(request(&format!("http:{target}{path}"), &[host]));
            requests.push(format!("GET {path} HTTP/1.1\r\nHost : {target}\r\nHost: {host}\r\n\r\n"));
            requests.push(format!("GET {path} HTTP/1.1\r\n Host: {target}\r\nHost: {host}\r\n\r\n"));
            requests.push(format!("GET {path} HTTP/1.1\r\nHost: {target}\r\nX: y\r\n Host: {host}\r\n\r\n"));
        }
        requests.extend(foreign.map(|host| request(path, &[&format!("{host}:{port}")])));
        for host in [
            "a.localhost",
            "a.localhost.",
            &format!("a.localhost.:{port}"),
            "a.localhost:80",
            "",
            "a.localhost:",
        ] {
            requests.push(request(path, &[host]));
        }
        requests.push(request(path, &[]));
        requests.push(format!("GET {path} HTTP/1.0\r\n\r\n"));
        requests.push(format!("GET {path} HTTP/1.0\r\nHost: {own}\r\n\r\n"));
    }
    for request in &requests {
        let (status, arrived, others) = sent(&stage, request).await;
        for arrived in &arrived {
            assert!(is_open(arrived, &own), "{request} arrives as {arrived:?}");
        }
        for other in &others {
            assert!(is_host(other.header("host"), &second), "{request} arrives as {other:?}");
            let readings = readings(&other.target);
            let open = |path: &String| !is_below(path, "/members") && !is_below(path, "/closed");
            assert!(readings.iter().all(open), "{request} arrives as {other:?}");
        }
        if arrived.len() + others.len() == 0 {
            assert_refusal(status, request);
        }
    }
    assert_eq!(sent(&stage, &request("/public", &[&own])).await.0, StatusCode::OK.as_u16());
}
