/* Who of a household is away: where to, since when, back when; an entry each. */
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
    return { person_id: member.person_id, title: member.name, words: GW.t('away') + ' ' + (member.where || '') };
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

  GW.whereabouts = { fields: fields, read: read, keep: keep };
}());
