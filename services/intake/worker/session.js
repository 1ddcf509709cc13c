/* Who is signed in: a token from the link's #token=, exchanged for the key of this post's store. Both lie in the tab's
   session storage, so that the page survives being reloaded without a network, and go when the tab is closed. */
(function () {
  'use strict';

  var KEPT = 'gridward-session';
  var LEFT = 'gridward-left';
  var session = null;

  function claims(token) {
    try {
      var part = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
      return JSON.parse(decodeURIComponent(escape(atob(part))));
    } catch (error) {
      return {};
    }
  }

  function taken() {
    var found = /[#&]token=([^&]+)/.exec(location.hash);
    if (found) { history.replaceState(null, '', location.pathname + location.search); }
    return found ? decodeURIComponent(found[1]) : null;
  }

  function remember(token, key) {
    session = { token: token, key: key, post: claims(token).sub || '' };
    sessionStorage.setItem(KEPT, JSON.stringify({ token: token, key: key }));
  }

  function resume() {
    var kept = sessionStorage.getItem(KEPT);
    if (kept) {
      var parsed = JSON.parse(kept);
      remember(parsed.token, parsed.key);
    }
    return session !== null;
  }

  /* 'in', 'other' (another post's store lies here), 'wrong' (the token) or 'away' (no network). */
  async function signIn(token) {
    var answer;
    try {
      answer = await fetch('../store-key', { headers: { authorization: 'Bearer ' + token } });
    } catch (error) {
      return 'away';
    }
    if (answer.status === 401 || answer.status === 403) { return 'wrong'; }
    if (!answer.ok) { return 'away'; }
    var key = (await answer.json()).key;
    if (!await GW.store.unlock(key)) { return 'other'; }
    remember(token, key);
    return 'in';
  }

  /* In this tab alone: the store is emptied already, or another's. */
  function forget() {
    session = null;
    sessionStorage.removeItem(KEPT);
    GW.store.lock();
  }

  async function signOut() {
    forget();
    localStorage.setItem(LEFT, String(Date.now()));
    await GW.store.empty();
  }

  /* Whoever signs out in another tab of this phone signs out here. */
  function onLeft(act) {
    window.addEventListener('storage', function (event) {
      if (event.key === LEFT && session) {
        forget();
        act();
      }
    });
  }

  GW.session = {
    taken: taken, resume: resume, signIn: signIn, signOut: signOut, forget: forget, onLeft: onLeft,
    current: function () { return session; }
  };
}());
