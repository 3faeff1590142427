//! Whatever answers in WeChat's place, reading it does not panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| wxgate::wechat::api::read_anything(body));
