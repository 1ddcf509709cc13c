/* Between this phone and intake: the list and the names come in, entries go out; without a network all of it waits. */
(function () {
  'use strict';

  var AT_ONCE = 50;
  var FIRST_PAUSE = 2000;
  var LONGEST_PAUSE = 60000;
  var state = { online: navigator.onLine, expired: false, today: null, roster: null, offset: 0 };
  var sending = false;
  var again = null;
  var pause = FIRST_PAUSE;

  /* The server's clock as far as this phone knows it: a phone that is wrong by hours still enters the right time. */
  GW.now = function () { return Date.now() + state.offset; };

  GW.instant = function () {
    var shanghai = new Date(GW.now() + 8 * 3600000);
    return shanghai.toISOString().slice(0, 19) + '+08:00';
  };

  async function ask(path, options) {
    var session = GW.session.current();
    var headers = Object.assign({ authorization: 'Bearer ' + session.token, 'accept-language': GW.language }, (options || {}).headers);
    var answer;
    var text;
    try {
      answer = await fetch('../' + path, Object.assign({ cache: 'no-store' }, options, { headers: headers }));
      text = await answer.text();
    } catch (error) {
      state.online = false;
      throw error;
    }
    if (GW.session.current() !== session) { throw new Error('signed out meanwhile'); }
    state.online = true;
    if (answer.status === 401) { state.expired = true; }
    if (!answer.ok) { throw new Error(path + ' ' + answer.status); }
    return text;
  }

  var collator = new Intl.Collator('zh', { numeric: true });

  /* Households in the order of their addresses, everywhere; what is due at the same time too. */
  function inOrder() {
    var place = {};
    if (!state.roster || !state.today) { return; }
    state.roster.households.sort(function (one, other) { return collator.compare(one.address, other.address); });
    state.roster.households.forEach(function (home, n) { place[home.dwelling_id] = n; });
    state.today.items.forEach(function (item, n) { item.place = n; });
    state.today.items.sort(function (one, other) {
      var both = one.dwelling_id && other.dwelling_id && one.due_at === other.due_at;
      return both ? place[one.dwelling_id] - place[other.dwelling_id] : one.place - other.place;
    });
  }

  function names() {
    var known = {};
    ((state.roster || {}).households || []).forEach(function (home) { known[home.dwelling_id] = true; });
    return known;
  }

  function people() {
    var known = {};
    ((state.roster || {}).households || []).forEach(function (home) {
      home.members.forEach(function (member) { known[member.person_id] = true; });
    });
    ((state.roster || {}).others || []).forEach(function (person) { known[person.person_id] = true; });
    return known;
  }

  function unknown() {
    var homes = names();
    var known = people();
    return state.today.items.some(function (item) {
      return item.dwelling_id ? !homes[item.dwelling_id] : !known[item.person_id];
    });
  }

  /* What the worker answers for: with another grid the names of the one before go. */
  function areas() { return state.today.areas.map(function (area) { return area.division_code; }).join(); }

  /* anew: the names too, even if all that the list speaks of are known. */
  async function refresh(anew) {
    if (!GW.session.current()) { return; }
    try {
      state.today = JSON.parse(await ask('today'));
      state.offset = Date.parse(state.today.now) - Date.now();
      await GW.store.put('today', { today: state.today, offset: state.offset });
      if (anew || !state.roster || state.roster.of !== areas() || unknown()) {
        state.roster = JSON.parse(await ask('roster'));
        state.roster.of = areas();
        await GW.store.put('roster', state.roster);
      }
    } catch (error) { /* said by the line on top: offline, or signed out */ }
    inOrder();
    GW.arrived();
  }

  async function load() {
    var kept = await GW.store.get('today');
    if (kept) {
      state.today = kept.today;
      state.offset = kept.offset;
    }
    state.roster = await GW.store.get('roster');
    inOrder();
  }

  /* Everything that waits, in the order in which it was entered, one request at a time. */
  async function flush() {
    if (sending || !GW.session.current() || state.expired) { return; }
    clearTimeout(again);
    sending = true;
    try {
      var waiting = GW.entries.waiting().slice(0, AT_ONCE);
      while (waiting.length) {
        await send(waiting);
        pause = FIRST_PAUSE;
        waiting = GW.entries.waiting().slice(0, AT_ONCE);
      }
    } catch (error) {
      again = setTimeout(flush, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    } finally {
      sending = false;
      GW.arrived();
    }
  }

  async function send(waiting) {
    await GW.entries.tried(waiting);
    var sent = waiting.map(function (entry) { return entry.record; });
    var answer = await ask('records', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: sent.map(function (record) { return JSON.stringify(record); }).join('\n')
    });
    var lines = answer.trim().split('\n');
    for (var n = 0; n < waiting.length; n += 1) {
      if (waiting[n].record === sent[n]) { await GW.entries.told(waiting[n], JSON.parse(lines[n])); }
    }
    GW.arrived();
    await refresh(false);
  }

  function forget() {
    clearTimeout(again);
    Object.assign(state, { expired: false, today: null, roster: null });
  }

  GW.wire = { refresh: refresh, flush: flush, load: load, forget: forget, state: state };
}());
