/* The forms for one person: a health visit, a sample of one's own. */
(function () {
  'use strict';

  function about(item, words, form) {
    return { person_id: item.person_id, title: GW.lists.person(item.person_id).member.name || GW.t('unknown_person'), words: words, form: form };
  }

  function head(item) {
    var found = GW.lists.person(item.person_id);
    var phone = found.member.phone;
    return [GW.el('h1', {}, found.member.name || GW.t('unknown_person')),
      GW.el('p', {}, found.home ? found.home.address : '', phone ? GW.el('a', { href: 'tel:' + phone }, ' ☎ ' + phone) : null)];
  }

  /* parts: ids of what was entered besides, with the same tap. */
  async function keep(before, record, facts, why, parts) {
    if (before) {
      before.about = facts;
      before.parts = before.parts.concat(parts || []);
      await GW.entries.correct(before, record, why);
    } else {
      await GW.entries.add(record, facts, parts);
    }
    GW.done();
  }

  function visit(item, before) {
    var form = before ? JSON.parse(JSON.stringify(before.about.form)) : { item: item, symptoms: [], temperature: '' };
    var needs = [];
    var save = GW.once(keepVisit);
    var page = GW.el('section.form', { 'data-form': 'visit' }, head(item),
      GW.form.temperature(form.temperature), GW.el('p.label', {}, GW.t('symptoms')),
      GW.several(GW.t('symptoms'), GW.form.labelled(GW.form.SYMPTOMS), form.symptoms),
      before ? GW.field(GW.t('why'), 'why', save) : [GW.el('p.label', {}, GW.t('needs')), GW.several(GW.t('needs'), GW.follow.choices(), needs)],
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }), GW.button('main', GW.t('save'), save));
    GW.show(page);

    async function keepVisit() {
      form.temperature = Number(GW.value(page, 'temperature')) || null;
      var why = GW.value(page, 'why');
      if (form.temperature !== null && (form.temperature < 30 || form.temperature > 45)) {
        GW.fill('wrong', '✗ ' + GW.t('temperature_wrong'));
      } else if (before && !why) {
        GW.fill('wrong', '✗ ' + GW.t('why_needed'));
      } else {
        var record = GW.records.visit(item, before ? before.record.visited_at : GW.instant(), form.temperature, form.symptoms);
        var asked = await GW.follow.asked(item, needs, record.visited_at);
        var words = (form.temperature ? form.temperature + ' ℃ ' : '') + (form.symptoms.map(GW.t).join('、') || GW.t('well'));
        await keep(before, record, about(item, words, form), why, asked);
      }
    }
  }

  function sample(item, before) {
    var form = before ? JSON.parse(JSON.stringify(before.about.form)) : { item: item, tube: '' };
    var save = GW.once(keepSample);
    var page = GW.el('section.form', { 'data-form': 'sampling' }, head(item),
      GW.field(GW.t('tube_id'), 'tube', save, { value: form.tube }),
      before ? GW.field(GW.t('why'), 'why', save) : null,
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }), GW.button('main', GW.t('sampled_now'), save));
    GW.show(page);

    async function keepSample() {
      form.tube = GW.value(page, 'tube');
      var why = GW.value(page, 'why');
      if (!form.tube) {
        GW.fill('wrong', '✗ ' + GW.t('tube_needed'));
      } else if (before && !why) {
        GW.fill('wrong', '✗ ' + GW.t('why_needed'));
      } else {
        var record = GW.records.sample(item, before ? before.record.sampled_at : GW.instant(), form.tube);
        await keep(before, record, about(item, form.tube, form), why);
      }
    }
  }

  GW.care = { visit: visit, sample: sample, head: head, about: about, keep: keep };
}());
