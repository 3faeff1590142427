//! Forms of the gateway's own pages, filled in as a browser does.

use http::Method;

use super::{Answer, Browser, TestGateway};

impl Answer {
    /// The token that a page gives its forms.
    pub(crate) fn token(&self) -> String {
        let page = self.html();
        let rest =
            page.split_once("name=\"token\" value=\"").unwrap_or_else(|| panic!("no form in {page}")).1;
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    /// Opens `page`, and sends a form of it to `target`.
    pub(crate) async fn fill_in(
        &mut self,
        gateway: &TestGateway,
        page: &str,
        target: &str,
        fields: &str,
    ) -> Answer {
        let token = self.open(&gateway.url(page)).await.token();
        self.submit(&gateway.url(target), &format!("token={token}&{fields}")).await
    }

    /// Sends a form with other headers than a browser on our own page would.
    pub(crate) async fn submit_as(&mut self, url: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let form_type = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
        self.send(Method::POST, url, &[&form_type, headers].concat(), form).await
    }
}
