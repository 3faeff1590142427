//! Whatever is posted in WeChat's place, reading and opening it does not panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| wxgate::wechat::message::read_anything(body));
