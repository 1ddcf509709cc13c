/* Keeps the page itself, nothing of anybody: so that it opens without a network. The network's version goes first. */
'use strict';

var CACHE = 'gridward-worker';
var PARTS = ['./', 'style.css', 'texts.js', 'dom.js', 'calm.js', 'store.js', 'session.js', 'records.js', 'entries.js', 'wire.js',
  'lists.js', 'history.js', 'form.js', 'whereabouts.js', 'care.js', 'pass.js', 'follow.js', 'opening.js', 'app.js', 'icon.svg', 'app.webmanifest'];
var PATIENCE = 3000;

self.addEventListener('install', function (event) {
  event.waitUntil(caches.open(CACHE).then(function (cache) { return cache.addAll(PARTS); }).then(function () { return self.skipWaiting(); }));
});

self.addEventListener('activate', function (event) { event.waitUntil(self.clients.claim()); });

function fresh(request) {
  return Promise.race([
    fetch(request),
    new Promise(function (resolve, reject) { setTimeout(reject, PATIENCE, new Error('slow')); })
  ]).then(function (answer) {
    if (!answer.ok) { throw new Error(String(answer.status)); }
    var copy = answer.clone();
    caches.open(CACHE).then(function (cache) { return cache.put(request, copy); });
    return answer;
  });
}

self.addEventListener('fetch', function (event) {
  var url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin || url.pathname.indexOf('/worker/') < 0) { return; }
  event.respondWith(fresh(event.request).catch(function () {
    return caches.match(event.request, { ignoreSearch: true }).then(function (kept) { return kept || caches.match('./'); });
  }));
});
