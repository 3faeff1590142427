//! One bounded GET of an address of ours, as a visitor or WeChat would ask for it.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::{DATE, HeaderMap};

use crate::model::clock;
use crate::model::http_date::{self, Reading};

/// Bytes of an answer that are read.
const LONGEST: usize = 16 * 1024;

/// An answer.
pub(super) struct Fetched {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// What was read of it, at most 16 KiB.
    pub(super) body: Vec<u8>,
    /// What the clock there shows.
    pub(super) reading: Option<Reading>,
}

/// Asks for `url` with this query. No answer in time is an error without a cause.
pub(super) async fn fetch(
    client: &Client,
    url: &str,
    query: &[(&str, String)],
    limit: Duration,
) -> Result<Fetched, Option<reqwest::Error>> {
    match tokio::time::timeout(limit, get(client, url, query)).await {
        Ok(answer) => answer.map_err(|error| Some(error.without_url())),
        Err(_) => Err(None),
    }
}

async fn get(client: &Client, url: &str, query: &[(&str, String)]) -> Result<Fetched, reqwest::Error> {
    let asked = clock::now();
    let mut response = client.get(url).query(query).send().await?;
    let answered = clock::now();
    let headers = std::mem::take(response.headers_mut());
    let date = headers.get(DATE).and_then(|date| http_date::parse(date.to_str().ok()?));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(chunk.get(..LONGEST - body.len()).unwrap_or(&chunk));
        if body.len() == LONGEST {
            break;
        }
    }
    let reading = date.map(|date| Reading { asked, answered, date });
    Ok(Fetched { status: response.status().as_u16(), headers, body, reading })
}
