/* What was entered, and what became of it: waiting, received, returned; undone within ten minutes, corrected for ever. */
(function () {
  'use strict';

  var MARKS = { waiting: '↑', sent: '✓', rejected: '✗', undone: '↶' };

  function line(entry) {
    var left = GW.entries.minutesToUndo(entry);
    var kind = entry.withdrawn ? 'undone' : entry.state;
    return GW.el('div.card.entry.' + kind, { 'data-entry': entry.id },
      GW.el('span.kind', {}, GW.t(entry.record.kind) + (entry.record.drill ? ' · ' + GW.t('drill') : '')),
      GW.el('span.time', {}, MARKS[entry.state] + ' ' + GW.t('entry_' + entry.state)),
      GW.el('strong', {}, entry.about.title),
      GW.el('span.who', {}, entry.about.words + '　' + GW.t('made_at', { at: GW.clock(entry.made_at) })),
      entry.errors.map(function (each) { return problem(each, 'error'); }),
      entry.checks.map(function (each) { return problem(each, 'check', GW.t('please_check') + '：'); }),
      GW.el('div.acts', {},
        entry.checks.length && !entry.withdrawn ? GW.button('small', GW.t('it_is_so'), function () { confirm(entry); }) : null,
        GW.entries.canBeDropped(entry) ? GW.button('small', GW.t('drop'), function () { undo(entry); })
          : left ? GW.button('small', GW.t('undo_left', { n: left }), function () { undo(entry); }) : null,
        entry.withdrawn || !entry.about.form ? null
          : GW.button('small', GW.t(entry.state === 'rejected' ? 'mend' : 'correct'), function () { GW.openEntry(entry); })));
  }

  function problem(each, kind, before) {
    return GW.el('p.' + kind, {}, (kind === 'error' ? '✗ ' : '⚠ ') + (before || ''), each.why,
      GW.t('would_be_right', { right: each.would_be_right }));
  }

  /* Asked once, and it is so: the same again under the next revision, and the office sees it. */
  var confirm = GW.once(async function (entry) {
    await GW.entries.correct(entry, Object.assign({}, entry.record, { confirmed: true }));
    GW.render();
    GW.wire.flush();
  });

  var undo = GW.once(async function (entry) {
    await GW.entries.undo(entry);
    GW.render();
    GW.wire.flush();
  });

  function view() {
    var all = GW.entries.all().reverse();
    var first = function (entry) { return entry.state === 'rejected' ? 0 : entry.state === 'waiting' ? 1 : 2; };
    all.sort(function (one, other) { return first(one) - first(other) || other.number - one.number; });
    return all.length ? all.map(line) : [GW.el('p.empty', {}, GW.t('no_entries'))];
  }

  GW.history = { view: view };
}());
