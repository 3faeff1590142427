(function () {
  var field = document.getElementById('page-url');
  var button = document.getElementById('copy');
  var told = document.getElementById('told');
  if (!field || !button || !told) { return; }
  function tell(copied) {
    told.textContent = button.getAttribute(copied ? 'data-copied' : 'data-failed');
  }
  function byHand() {
    field.focus();
    field.select();
    field.setSelectionRange(0, field.value.length);
    var copied = false;
    try { copied = document.execCommand('copy'); } catch (refused) { copied = false; }
    tell(copied);
  }
  button.hidden = false;
  field.addEventListener('focus', function () { field.select(); });
  button.addEventListener('click', function () {
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(field.value).then(function () { tell(true); }, byHand);
    } else {
      byHand();
    }
  });
})();
