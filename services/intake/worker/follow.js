/* The forms for what is to be followed: somebody to be found, and what somebody in quarantine asked for. */
(function () {
  'use strict';

  var OUTCOMES = ['under_control', 'no_risk', 'not_to_be_found', 'mistaken'];
  var NEEDS = ['food', 'medicine', 'medical_care', 'daily_goods', 'care_of_children_or_old', 'comfort', 'other'];

  function labelled(before, words) { return words.map(function (word) { return [word, GW.t(before + word)]; }); }

  function at(before) { return before ? before.record.done_at : GW.instant(); }

  /* Said on top, where it is seen from below as well. */
  function wrong(key) { GW.fill('wrong', '✗ ' + GW.t(key)).scrollIntoView({ block: 'center' }); }

  /* what: the words of the tap; before: an entry that is corrected or mended, whose record stays one record. */
  function taker(page, before, item) {
    return GW.once(async function (record, what) {
      var why = GW.value(page(), 'why');
      if (before && !why) {
        wrong('why_needed');
      } else {
        await GW.care.keep(before, record, GW.care.about(item, what, { item: item }), why);
      }
    });
  }

  function lead(item, before) {
    var outcome = null;
    var page = null;
    var take = taker(function () { return page; }, before, item);
    function tapped(kind) {
      return function () { take(GW.records.leadStep(item, kind, at(before)), GW.t(kind)); };
    }
    function close() {
      var reason = GW.value(page, 'reason');
      if (!outcome || reason.length < 2) {
        wrong('outcome_needed');
      } else {
        take(Object.assign(GW.records.leadStep(item, 'lead-closed', at(before)), { outcome: outcome, reason: reason }), GW.t('outcome_' + outcome));
      }
    }
    function pass(to, reason) {
      if (!to || reason.length < 2) {
        wrong('pass_needed');
      } else {
        take(GW.records.passedOn(item, at(before), to.division_code, reason), GW.t('pass_to', { place: to.name }));
      }
    }
    page = GW.el('section.form', { 'data-form': 'lead' }, GW.care.head(item),
      GW.el('p', {}, GW.t('source_' + item.source) + (item.reference ? '　' + item.reference : '')),
      item.passed_on_because ? GW.el('p', {}, GW.t('passed_on_because', { reason: item.passed_on_because })) : null,
      before ? GW.field(GW.t('why'), 'why', function () {}) : null,
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }),
      GW.button('main', '✓ ' + GW.t('lead-landed'), tapped('lead-landed')),
      GW.button('wide', GW.t('lead-not-found'), tapped('lead-not-found')),
      GW.pass.box(item, pass),
      GW.el('p.label', {}, GW.t('lead_close')),
      GW.choice(GW.t('lead_close'), labelled('outcome_', OUTCOMES), null, function (value) { outcome = value; }),
      GW.field(GW.t('reason'), 'reason', close),
      GW.button('wide', GW.t('lead-closed'), close));
    GW.show(page);
  }

  function need(item, before) {
    var page = null;
    var take = taker(function () { return page; }, before, item);
    function met() { take(GW.records.needMet(item, at(before)), GW.t('need_' + item.need)); }
    page = GW.el('section.form', { 'data-form': 'need' }, GW.care.head(item), GW.el('p', {}, GW.t('need_' + item.need)),
      before ? GW.field(GW.t('why'), 'why', met) : null,
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }), GW.button('main', '✓ ' + GW.t('need-met'), met));
    GW.show(page);
  }

  /* What was asked for at a visit: an entry each. Returned: their ids. */
  async function asked(item, needs, when) {
    var added = [];
    for (var word of needs) {
      added.push((await GW.entries.add(GW.records.need(item, word, when), GW.care.about(item, GW.t('need_' + word), null))).id);
    }
    return added;
  }

  GW.follow = { lead: lead, need: need, asked: asked, choices: function () { return labelled('need_', NEEDS); } };
}());
