/* What this phone keeps: boxes in IndexedDB, each sealed with AES-GCM. The key comes with sign-in and lies in this tab
   alone; no box's name says anything. Everything goes at sign-out and 24 hours after sign-in. */
(function () {
  'use strict';

  var DATABASE = 'gridward';
  var BOXES = 'boxes';
  var HOURS_KEPT = 24;
  var CHECK = 'gridward store';
  var key = null;

  function database() {
    return new Promise(function (resolve, reject) {
      var asked = indexedDB.open(DATABASE, 1);
      asked.onupgradeneeded = function () { asked.result.createObjectStore(BOXES); };
      asked.onsuccess = function () { resolve(asked.result); };
      asked.onerror = function () { reject(asked.error); };
    });
  }

  async function act(mode, work) {
    var db = await database();
    try {
      return await new Promise(function (resolve, reject) {
        var turn = db.transaction(BOXES, mode);
        var asked = work(turn.objectStore(BOXES));
        turn.oncomplete = function () { resolve(asked && asked.result); };
        turn.onerror = turn.onabort = function () { reject(turn.error); };
      });
    } finally {
      db.close();
    }
  }

  function read(name) { return act('readonly', function (boxes) { return boxes.get(name); }); }

  async function seal(value, by) {
    var iv = crypto.getRandomValues(new Uint8Array(12));
    var bytes = new TextEncoder().encode(JSON.stringify(value));
    return { iv: iv, sealed: await crypto.subtle.encrypt({ name: 'AES-GCM', iv: iv }, by, bytes) };
  }

  async function open(box, by) {
    var bytes = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: box.iv }, by, box.sealed);
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  /* Whether the store is empty or this key's own, from now on opened by it; false: another post's, and all stays as it
     was. rawKey: 32 bytes in base64. */
  async function unlock(rawKey) {
    var raw = Uint8Array.from(atob(rawKey), function (each) { return each.charCodeAt(0); });
    var its = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
    var check = await read('check');
    if (check) {
      try {
        await open(check, its);
      } catch (error) {
        return false;
      }
    } else {
      var sealed = await seal(CHECK, its);
      await act('readwrite', function (boxes) { boxes.put(Date.now(), 'opened'); return boxes.put(sealed, 'check'); });
    }
    key = its;
    return true;
  }

  /* waits: this is not sent yet, which is told without a key when the store is emptied. */
  async function put(name, value, waits) {
    var box = Object.assign(await seal(value, key), { waits: Boolean(waits) });
    await act('readwrite', function (boxes) { return boxes.put(box, name); });
  }

  /* What a tab that was left open wrote under the key of the post before is no box of this one. */
  async function opened(box) {
    try {
      return await open(box, key);
    } catch (error) {
      return null;
    }
  }

  async function get(name) {
    var box = await read(name);
    return box ? opened(box) : null;
  }

  /* Every value whose name begins so. */
  async function all(prefix) {
    var range = IDBKeyRange.bound(prefix, prefix + '\uffff');
    var boxes = await act('readonly', function (its) { return its.getAll(range); });
    return (await Promise.all(boxes.map(opened))).filter(function (value) { return value !== null; });
  }

  function drop(name) { return act('readwrite', function (boxes) { return boxes.delete(name); }); }

  function lock() { key = null; }

  async function empty() {
    lock();
    await act('readwrite', function (boxes) { return boxes.clear(); });
    await new Promise(function (resolve) {
      var gone = indexedDB.deleteDatabase(DATABASE);
      gone.onsuccess = gone.onerror = gone.onblocked = resolve;
    });
  }

  /* When it must be emptied, in milliseconds of this phone's clock; null: nothing is kept. */
  async function emptiesAt() {
    var opened = await read('opened');
    return opened ? opened + HOURS_KEPT * 3600000 : null;
  }

  /* How many boxes would be lost if it were emptied now. */
  async function unsent() {
    var boxes = await act('readonly', function (its) { return its.getAll(); });
    return boxes.filter(function (box) { return box.waits; }).length;
  }

  GW.store = { unlock: unlock, put: put, get: get, all: all, drop: drop, lock: lock, empty: empty, emptiesAt: emptiesAt, unsent: unsent };
}());
