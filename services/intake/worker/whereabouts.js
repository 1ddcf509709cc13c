/* Who of a household is away: where to, since when, back when; an entry each, mended, taken back or corrected by itself. */
(function () {
  'use strict';

  function away(member) { return member.state === 'away' && !member.known_away; }

  function fields(member, onenter) {
    return [GW.field(GW.t('where'), 'where', onenter, { value: member.where || '' }),
      GW.field(GW.t('back_on'), 'back_on', onenter, { type: 'date', value: member.back_on || '' })];
  }

  /* What stands in the fields, if they are shown: an emptied one says nothing any more. */
  function read(place, member) {
    if (place.querySelector('[name="where"]')) {
      member.where = GW.value(place, 'where');
      member.back_on = GW.value(place, 'back_on');
    }
  }

  function about(member) {
    return { person_id: member.person_id, title: member.name, words: GW.t('away') + ' ' + (member.where || ''),
      form: { person_id: member.person_id, person_ref: member.person_ref, name: member.name, id_number: member.id_number,
        phone: member.phone, where: member.where, back_on: member.back_on } };
  }

  /* What the form of a household says, whose members keep the ids of these entries. Returned: the ids of new ones. */
  async function keep(home, drill, at, members, why) {
    var added = [];
    for (var member of members) {
      var said = GW.entries.standing(member.presence);
      if (said && !away(member)) {
        await GW.entries.undo(said);
      } else if (said) {
        await change(said, GW.records.away(home, drill, at, member), member, why);
      } else if (away(member)) {
        member.presence = (await GW.entries.add(GW.records.away(home, drill, at, member), about(member))).id;
        added.push(member.presence);
      }
    }
    return added;
  }

  async function change(said, record, member, why) {
    if (said.record.where !== record.where || said.record.back_at !== record.back_at) {
      said.about = about(member);
      await GW.entries.correct(said, record, why);
    }
  }

  /* The form of a household's entry as it stands by now: what was mended or taken back by itself is so here too. A
     newcomer of whom nothing stands is gone. */
  function recalled(entry) {
    var form = JSON.parse(JSON.stringify(entry.about.form));
    form.members.filter(away).forEach(function (member) {
      var said = GW.entries.standing(member.presence);
      Object.assign(member, said ? said.about.form : { state: null });
    });
    form.members = form.members.filter(function (member) { return member.person_id || member.state; });
    return form;
  }

  /* Whether somebody is left whom the visit still owes: nothing was said of him or her, or it was returned or taken back. */
  function leavesSomebody(entry) {
    return entry.about.form.members.some(function (member) {
      var said = GW.entries.standing(member.presence);
      return away(member) ? !said || said.state === 'rejected' : !member.state;
    });
  }

  /* entry: sent, or returned. Whoever is in no register is named anew too: the number may be what was wrong. */
  function open(entry) {
    var form = JSON.parse(JSON.stringify(entry.about.form));
    var save = GW.once(keepMended);
    var page = GW.el('section.form', { 'data-form': 'presence' }, GW.el('h1', {}, entry.about.title),
      GW.el('p', {}, '→ ' + GW.t('not_here')),
      form.person_id ? null : GW.form.whose(form, save), fields(form, save), GW.field(GW.t('why'), 'why', save),
      GW.el('p.wrong', { id: 'wrong', role: 'alert' }), GW.button('main', GW.t('save'), save));
    GW.show(page);

    async function keepMended() {
      var why = GW.value(page, 'why');
      read(page, form);
      if (!form.person_id) { ['name', 'id_number', 'phone'].forEach(function (name) { form[name] = GW.value(page, name); }); }
      if (!form.name || !why) {
        GW.fill('wrong', '✗ ' + GW.t(form.name ? 'why_needed' : 'name_needed'));
        return;
      }
      var was = entry.record;
      await GW.care.keep(entry, GW.records.away(was, was.drill, was.since_at, form), about(form), why);
    }
  }

  GW.whereabouts = { fields: fields, read: read, keep: keep, recalled: recalled, leavesSomebody: leavesSomebody, open: open };
}());
