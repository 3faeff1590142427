(function () {
  var times = document.getElementsByTagName('time');
  for (var at = 0; at < times.length; at += 1) {
    try {
      var moment = new Date(times[at].getAttribute('datetime'));
      times[at].textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(moment);
    } catch (unknown) { return; }
  }
})();
