//! The real nginx, Traefik, Caddy, Envoy and HAProxy with the shipped configurations: one table of behaviours for all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod addresses;
mod application;
#[expect(dead_code, reason = "other tests need more of the browser")]
#[path = "../browser/support.rs"]
mod chromium;
mod due;
mod encrypted;
mod identity;
mod in_chromium;
mod own_paths;
mod paths;
mod proxies;
mod reading;
mod refusals;
mod shipped;
mod signing_in;
mod stage;
#[expect(dead_code, unused_imports, reason = "other tests need more of the gateway")]
#[path = "../gateway/support/mod.rs"]
mod support;
mod traffic;

/// Every behaviour with every proxy is a test of its own: `table::BEHAVIOUR::PROXY`.
macro_rules! table {
    ($($theme:ident: $($behaviour:ident)*;)*) => {
        mod table {
            $($(
                mod $behaviour {
                    use crate::proxies::Proxy;
                    use crate::$theme::$behaviour as behaviour;

                    #[tokio::test]
                    async fn nginx() { behaviour(Proxy::Nginx).await; }

                    #[tokio::test]
                    async fn traefik() { behaviour(Proxy::Traefik).await; }

                    #[tokio::test]
                    async fn caddy() { behaviour(Proxy::Caddy).await; }

                    #[tokio::test]
                    async fn envoy() { behaviour(Proxy::Envoy).await; }

                    #[tokio::test]
                    async fn haproxy() { behaviour(Proxy::Haproxy).await; }
                }
            )*)*
        }
    };
}

table! {
    signing_in:
        a_visitor_signs_in_and_is_back_where_they_wanted
        a_person_inside_wechat_signs_in_with_one_tap
        a_program_is_told_401_and_never_redirected
        a_second_host_signs_in_over_the_first
        one_cookie_serves_a_whole_domain
        a_host_may_be_for_logins_alone
        a_session_in_use_is_renewed_beside_the_applications_cookies
        a_person_signs_out;
    identity:
        a_person_is_who_they_are
        a_person_is_who_they_are_whatever_they_claim
        a_stranger_on_an_open_page_is_nobody_whatever_they_claim
        a_claim_opens_nothing
        no_claim_in_the_words_of_another_gateway_arrives
        no_connection_header_takes_an_identity_away
        the_gateways_cookies_stay_with_the_gateway
        where_a_visitor_comes_from_is_the_truth;
    refusals:
        what_is_blocked_is_refused_without_a_loop
        without_the_gateway_nobody_enters;
    traffic:
        every_method_is_judged_as_itself
        ten_megabytes_arrive_whole
        a_strangers_body_goes_nowhere
        a_websocket_carries_messages
        a_websocket_of_a_stranger_or_another_site_is_refused
        nothing_but_a_websocket_leaves_http
        a_great_many_header_lines_harm_nobody
        long_addresses_and_cookies_pass;
    paths:
        what_a_stranger_reaches_is_open_in_every_reading
        what_a_person_reaches_is_what_was_judged;
    own_paths:
        the_gateways_own_paths_stay_its_own
        nobody_but_the_proxy_asks;
    addresses:
        no_header_speaks_for_another_address
        no_host_stands_in_for_another;
    encrypted:
        over_https_cookies_have_every_guard
        over_http2_a_person_is_who_they_are;
    shipped:
        the_shipped_files_are_sound
        they_are_sound_with_the_header_names_of_every_family;
}
