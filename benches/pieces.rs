//! The pieces of one request of a signed-in person, each by itself: `cargo bench --bench pieces -- --quick`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking, and is no library")]

mod request;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::Response;
use wxgate::gate::{Origin, decide};
use wxgate::model::path::CanonicalPath;
use wxgate::model::request_id::request_id;
use wxgate::model::route::Found;
use wxgate::proxy::pass;
use wxgate::seal::random_name;

fn pieces(criterion: &mut Criterion) {
    let request = request::Request::new();

    criterion.bench_function("a canonical path", |bench| {
        bench.iter(|| CanonicalPath::parse(black_box("/reports/2026/overview.html")));
    });
    criterion.bench_function("a path to be spelled again", |bench| {
        bench.iter(|| CanonicalPath::parse(black_box("/reports/./%32%30%32%36/overview.html")));
    });
    criterion.bench_function("the visit", |bench| bench.iter(|| request.visit()));
    criterion.bench_function("the route", |bench| {
        bench.iter(|| matches!(request.routes.find(black_box(&request.visit)), Found::Route(_)));
    });
    criterion.bench_function("find and open the cookie", |bench| bench.iter(|| request.session().unwrap()));
    criterion.bench_function("decide", |bench| {
        let who = request::who(request.session().unwrap());
        bench.iter(|| decide(&request.route.access, who.clone(), Origin::Irrelevant));
    });
    criterion.bench_function("rewrite the request's headers", |bench| bench.iter(|| request.rewrite()));
    criterion.bench_function("rewrite the answer's headers", |bench| {
        let answer = || {
            let mut answer = Response::new(());
            answer.headers_mut().clone_from(&request.answer);
            answer
        };
        bench.iter_batched_ref(answer, pass, criterion::BatchSize::SmallInput);
    });
    criterion.bench_function("a proxy's question", |bench| {
        bench.iter_batched_ref(
            || request.question.clone(),
            |parts| request.asked_for(parts),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.bench_function("tell a proxy", |bench| bench.iter(|| request.told()));
    criterion.bench_function("the request's id", |bench| {
        bench.iter(|| request_id(black_box(1_800_000_000_000), random_name()));
    });
}

criterion_group!(benches, pieces);
criterion_main!(benches);
