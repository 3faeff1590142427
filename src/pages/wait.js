(function () {
  var news = document.getElementById('news');
  if (!news) { return; }
  function again() { location.replace(location.pathname + location.search); }
  if (!window.fetch) { setTimeout(again, 5000); return; }
  function later(seconds) { setTimeout(look, seconds * 1000); }
  function look() {
    fetch('/_wxgate/login/status', { cache: 'no-store', credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok && answer.status !== 401) { throw new Error('later'); }
      return answer.json().then(function (said) {
        if (said.status === 'pending') { later(Number(answer.headers.get('retry-after')) || 1); return; }
        news.textContent = news.getAttribute('data-news');
        setTimeout(again, 1000);
      });
    })['catch'](function () { later(5); });
  }
  look();
})();
