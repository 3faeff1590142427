(function () {
  var news = document.getElementById('news');
  var left = document.getElementById('left');
  if (!news) { return; }
  var ends = Date.now() + Number(left.getAttribute('data-left')) * 1000;
  var known = '';
  function again() { location.reload(); }
  var asked = /[?&]why=/.test(location.search);
  function why() {
    if (!asked) { location.replace(location.pathname + (location.search || '?') + '&why=1'); }
  }
  var code = document.getElementById('code');
  function seen() {
    var loaded = window.performance && performance.getEntriesByName && performance.getEntriesByName(code.src)[0];
    if (loaded && loaded.responseStatus >= 400) { why(); }
  }
  if (code && !asked) {
    code.onload = code.onerror = seen;
    if (code.complete) { seen(); }
  }
  function count() {
    var seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
    var minutes = Math.floor(seconds / 60);
    var clock = minutes + ':' + ('0' + seconds % 60).slice(-2);
    left.textContent = left.getAttribute('data-text').replace('%', clock);
    if (seconds === 0) { again(); return; }
    setTimeout(count, 1000);
  }
  function later(seconds) { setTimeout(look, seconds * 1000); }
  function look() {
    var address = '/_wxgate/login/status?a=' + news.getAttribute('data-attempt') + '&known=' + known;
    fetch(address, { cache: 'no-store', credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok) { throw new Error('later'); }
      return answer.json().then(function (said) {
        if (said.state === 'waiting' || said.state === 'scanned') {
          if (said.state === 'scanned') {
            var how = document.getElementById('how');
            var title = document.querySelector('h1');
            var asks = news.getAttribute('data-scanned-title');
            if (how) { how.hidden = true; }
            if (title && asks) { document.title = title.textContent = asks; }
            news.textContent = news.getAttribute('data-scanned');
          }
          known = said.state;
          later(Number(answer.headers.get('retry-after')) || 0.2);
          return;
        }
        if (said.state === 'no-code') {
          if (asked) { later(5); } else { why(); }
          return;
        }
        news.textContent = news.getAttribute('data-news');
        again();
      });
    })['catch'](function () { later(5); });
  }
  count();
  if (!window.fetch) { setTimeout(again, 5000); return; }
  look();
})();
