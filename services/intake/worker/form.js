/* One form for a household: how each person there is, in a few taps; or that nobody was reached. */
(function () {
  'use strict';

  var SYMPTOMS = ['fever', 'cough', 'fatigue', 'sore_throat', 'loss_of_smell', 'diarrhoea'];
  var CHANNELS = ['visit', 'phone', 'message', 'app'];
  var OUTCOMES = ['nobody_home', 'refused', 'unreachable'];

  function labelled(words) { return words.map(function (word) { return [word, GW.t(word)]; }); }

  /* before: an entry that is corrected or mended; its record stays one record. */
  function open(home, round, before) {
    var form = before ? GW.whereabouts.recalled(before) : { channel: 'visit', members: home.members.map(blank) };
    var rows = GW.el('div');
    var save = GW.once(keepVisit);
    var attempt = GW.once(keepAttempt);

    function redraw() {
      while (rows.firstChild) { rows.removeChild(rows.firstChild); }
      form.members.forEach(function (member) { rows.appendChild(memberRow(member)); });
    }

    var channels = CHANNELS.map(function (each) { return [each, GW.t('channel_' + each)]; });
    var page = GW.el('section.form', { 'data-form': 'household' },
      GW.el('h1', {}, home.address),
      GW.el('p.label', {}, GW.t('channel')), GW.choice(GW.t('channel'), channels, form.channel, function (value) { form.channel = value; }),
      GW.button('wide', '✓ ' + GW.t('all_well'), function () {
        form.members.forEach(function (member) { if (member.state !== 'away') { member.state = 'well'; } });
        redraw();
      }),
      rows,
      newcomer(form, redraw),
      before ? GW.field(GW.t('why'), 'why', save) : null,
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }),
      GW.button('main', GW.t('save'), save),
      before ? null : GW.el('p.label', {}, GW.t('nobody_reached')),
      before ? null : GW.el('div.choice', {}, OUTCOMES.map(function (outcome) {
        return GW.button('option', GW.t(outcome), function () { attempt(outcome); }, { 'data-value': outcome });
      })));
    redraw();
    GW.show(page);

    /* Nobody was reached, but of some it was told where they are. */
    async function keepAttempt(outcome) {
      read(page, form);
      var at = GW.instant();
      var parts = await GW.whereabouts.keep(home, round.drill, at, form.members);
      var about = { dwelling_id: home.dwelling_id, title: home.address, words: GW.t(outcome) };
      await GW.care.keep(null, GW.records.attempt(home, round, at, form.channel, outcome), about, '', parts);
    }

    async function keepVisit() {
      read(page, form);
      var why = GW.value(page, 'why');
      var members = before && before.state === 'rejected' ? form.members.filter(belongs) : form.members;
      var wrong = wrongOf(members) || (before && !why && GW.t('why_needed'));
      if (wrong) {
        GW.fill('wrong', '✗ ' + wrong);
        return;
      }
      form.members = members;
      var met = members.filter(isMet);
      var at = before ? before.record.visited_at : GW.instant();
      var parts = await GW.whereabouts.keep(home, round.drill, at, members, why);
      var about = { dwelling_id: home.dwelling_id, title: home.address, words: GW.lists.names(met) || GW.t('all_away'), form: form };
      await GW.care.keep(before, GW.records.householdVisit(home, round, at, form.channel, met), about, why, parts);
    }
  }

  function isMet(member) { return member.state === 'well' || member.state === 'ill'; }

  /* In a mended entry a newcomer who was written down wrongly is taken out as not here; who was away before stays so. */
  function belongs(member) { return member.person_id || member.state !== 'away' || GW.entries.standing(member.presence); }

  function blank(member) {
    return { person_id: member.person_id, name: member.name || GW.t('unknown_person'), phone: member.phone,
      state: member.away ? 'away' : null, known_away: Boolean(member.away), symptoms: [] };
  }

  function memberRow(member) {
    var box = GW.el('fieldset.member', { 'data-person': member.name });
    var more = GW.el('div');
    box.appendChild(GW.el('legend', {}, member.name, member.phone ? GW.el('a', { href: 'tel:' + member.phone }, ' ☎ ' + member.phone) : null));
    box.appendChild(GW.choice(member.name, [['well', '✓ ' + GW.t('well')], ['ill', '⚠ ' + GW.t('ill')], ['away', '→ ' + GW.t('not_here')]],
      member.state, function (value) {
        member.state = value;
        member.known_away = false;
        details();
      }));
    box.appendChild(more);
    details();

    function details() {
      while (more.firstChild) { more.removeChild(more.firstChild); }
      if (member.state === 'ill') {
        GW.append(more, [temperature(member.temperature), GW.el('p.label', {}, GW.t('symptoms')), GW.several(GW.t('symptoms'), labelled(SYMPTOMS), member.symptoms)]);
      } else if (member.state === 'away' && !member.known_away) {
        GW.append(more, GW.whereabouts.fields(member, function () {}));
      }
    }
    return box;
  }

  function temperature(value) {
    return GW.field(GW.t('temperature'), 'temperature', function () {}, { type: 'number', inputmode: 'decimal', step: '0.1', min: '30', max: '45', value: value || '' });
  }

  /* What stands in the fields, into the form's members. */
  function read(page, form) {
    var boxes = page.querySelectorAll('fieldset.member');
    form.members.forEach(function (member, n) {
      member.temperature = member.state === 'ill' ? Number(GW.value(boxes[n], 'temperature')) || null : null;
      GW.whereabouts.read(boxes[n], member);
    });
  }

  /* In words. A household is reached when somebody was met, or when it is known of everybody there that they are away:
     a visit that met nobody, and a presence each. */
  function wrongOf(members) {
    var allAway = members.length && members.every(function (member) { return member.state === 'away'; });
    if (!allAway && !members.some(isMet)) { return GW.t('choose_somebody'); }
    return members.some(function (member) {
      return member.temperature !== null && (member.temperature < 30 || member.temperature > 45);
    }) ? GW.t('temperature_wrong') : null;
  }

  function whose(person, onenter) {
    return [GW.field(GW.t('name'), 'name', onenter, { value: person.name || '' }),
      GW.field(GW.t('id_number'), 'id_number', onenter, { value: person.id_number || '' }),
      GW.field(GW.t('phone'), 'phone', onenter, { type: 'tel', value: person.phone || '' })];
  }

  function newcomer(form, redraw) {
    var box = GW.el('details.newcomer', {}, GW.el('summary', {}, GW.t('add_person')));
    function add() {
      var name = GW.value(box, 'name');
      if (!name) {
        GW.fill('wrong', '✗ ' + GW.t('name_needed'));
        return;
      }
      GW.fill('wrong');
      form.members.push({ name: name, id_number: GW.value(box, 'id_number'), phone: GW.value(box, 'phone'), person_ref: 'page-' + GW.records.random(), state: 'well', symptoms: [] });
      Array.prototype.forEach.call(box.querySelectorAll('input'), function (input) { input.value = ''; });
      box.open = false;
      redraw();
    }
    GW.append(box, [whose({}, add), GW.button('wide', GW.t('add_person'), add)]);
    return box;
  }

  GW.form = { open: open, labelled: labelled, temperature: temperature, whose: whose, SYMPTOMS: SYMPTOMS };
}());
