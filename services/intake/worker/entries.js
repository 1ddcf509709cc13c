/* The worker's entries: kept sealed from the tap until the day's end, each with its own source_id and the time of then,
   so that each arrives once however often it is sent. */
(function () {
  'use strict';

  var UNDO_MS = 10 * 60000;
  var held = [];

  async function load() {
    var open = held;  /* a form may be at one of these */
    held = (await GW.store.all('entry:')).map(function (entry) {
      return open.find(function (one) { return one.id === entry.id; }) || Object.assign({ parts: [] }, entry);
    });
    held.sort(function (one, other) { return one.number - other.number; });
  }

  function forget() { held = []; }

  function keep(entry) { return GW.store.put('entry:' + entry.id, entry, entry.state === 'waiting'); }

  /* about: what the list shows of it: dwelling_id, person_id, words. parts: ids of what was entered with the same tap. */
  async function add(record, about, parts) {
    var number = held.length ? held[held.length - 1].number + 1 : 1;
    var entry = { id: GW.records.random(), number: number, record: record, about: about, made_at: GW.now(), state: 'waiting',
      tried: false, errors: [], checks: [], parts: parts || [] };
    await keep(entry);
    held.push(entry);
    return entry;
  }

  /* It is otherwise. What may have arrived already is corrected under a higher revision; what was never sent is replaced,
     a correction under its own revision. */
  async function correct(entry, record, why) {
    var revision = entry.record.revision || 1;
    record.source_id = entry.record.source_id;
    record.revision = entry.tried ? revision + 1 : revision;
    if (why) { record.corrected_because = why; }
    Object.assign(entry, { record: record, state: 'waiting', tried: false, errors: [], checks: [] });
    await keep(entry);
  }

  /* With all that was entered by the same tap, and before it: what is cut off in between can be undone again. */
  async function undo(entry) {
    for (var part of entry.parts.map(standing).filter(Boolean)) { await undo(part); }
    if (!entry.tried && (entry.record.revision || 1) === 1) {
      held.splice(held.indexOf(entry), 1);
      await GW.store.drop('entry:' + entry.id);
      return;
    }
    Object.assign(entry, { record: GW.records.withdrawal(entry.record), state: 'waiting', tried: false, withdrawn: true, checks: [] });
    await keep(entry);
  }

  /* What the server only ever returned can be dropped at any time: it stands nowhere. */
  function canBeDropped(entry) { return entry.state === 'rejected' && !entry.known && !entry.withdrawn; }

  function minutesToUndo(entry) {
    var left = entry.made_at + UNDO_MS - GW.now();
    return entry.withdrawn || left <= 0 ? 0 : Math.ceil(Math.min(left, UNDO_MS) / 60000);
  }

  /* The entry of an id, unless it was undone. */
  function standing(id) { return held.filter(function (entry) { return entry.id === id && !entry.withdrawn; })[0]; }

  function in_state(state) { return held.filter(function (entry) { return entry.state === state; }); }

  async function tried(entries) {
    for (var entry of entries) {
      entry.tried = true;
      await keep(entry);
    }
  }

  async function told(entry, verdict) {
    var gone = entry.withdrawn && verdict.verdict === 'rejected' && verdict.errors.every(function (each) {
      return each.field === 'source_id';
    });
    entry.state = gone || verdict.verdict !== 'rejected' ? (entry.withdrawn ? 'undone' : 'sent') : 'rejected';
    entry.errors = entry.state === 'rejected' ? verdict.errors : [];
    entry.checks = verdict.please_check || [];
    entry.known = Boolean(entry.known) || verdict.verdict !== 'rejected';
    await keep(entry);
  }

  /* Whether an entry of this phone has done what an item asks for, though the server may not have heard of it yet. */
  function closes(item) {
    return held.some(function (entry) {
      if (entry.withdrawn || entry.state === 'rejected') { return false; }
      if (item.lead_id) {
        return follows(entry.record.lead, item.lead_id) && entry.record.division_code === item.division_code &&
          entry.made_at >= Date.parse(item.since_at);
      }
      if (item.need_id) { return follows(entry.record.asked, item.need_id); }
      if (entry.record.kind !== item.closed_by) { return false; }
      if (item.dwelling_id) {
        return entry.about.dwelling_id === item.dwelling_id && entry.record.round_id === item.round_id &&
          !GW.whereabouts.leavesSomebody(entry);
      }
      return entry.about.person_id === item.person_id && entry.made_at >= Date.parse(item.since_at);
    });
  }

  function follows(named, id) { return Boolean(named) && named.id === id; }

  function ofDwelling(id) { return held.filter(function (entry) { return entry.about.dwelling_id === id && !entry.withdrawn; }); }

  GW.entries = {
    load: load, forget: forget, add: add, correct: correct, undo: undo, minutesToUndo: minutesToUndo, canBeDropped: canBeDropped,
    tried: tried, told: told, closes: closes, standing: standing, ofDwelling: ofDwelling,
    waiting: function () { return in_state('waiting'); },
    rejected: function () { return in_state('rejected'); },
    toCheck: function () { return held.filter(function (entry) { return entry.checks.length && !entry.withdrawn; }); },
    all: function () { return held.slice(); }
  };
}());
