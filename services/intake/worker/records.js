/* What an entry says, as records for POST /records: pure functions. People and dwellings go by the roster's ids. */
(function () {
  'use strict';

  var FEED = 'worker-page';

  function random() {
    return Array.prototype.map.call(crypto.getRandomValues(new Uint8Array(16)), function (each) {
      return ('0' + each.toString(16)).slice(-2);
    }).join('');
  }

  function head(kind, place, drill) {
    var record = { feed: FEED, source_id: random(), kind: kind, division_code: place };
    return drill ? Object.assign(record, { drill: true }) : record;
  }

  function named(member) {
    if (member.person_id) { return { person_id: member.person_id }; }
    var person = { name: member.name };
    if (member.phone) { person.phone = member.phone; }
    if (member.id_number) {
      return { person: Object.assign(person, { id_number: member.id_number.toUpperCase() }) };
    }
    return { person: person, person_ref: member.person_ref };
  }

  function met(member) {
    var said = named(member);
    if (member.temperature) { said.temperature_celsius = member.temperature; }
    if (member.symptoms && member.symptoms.length) { said.symptoms = member.symptoms; }
    return said;
  }

  function householdVisit(home, round, at, channel, members) {
    return Object.assign(head('household-visit', home.division_code, round.drill), {
      dwelling: { dwelling_id: home.dwelling_id }, round_id: round.round_id, visited_at: at, channel: channel,
      members: members.map(met)
    });
  }

  function attempt(home, round, at, channel, outcome) {
    return Object.assign(head('canvass-attempt', home.division_code, round.drill), {
      dwelling: { dwelling_id: home.dwelling_id }, round_id: round.round_id, attempted_at: at, channel: channel,
      outcome: outcome
    });
  }

  function away(home, drill, at, member) {
    var record = Object.assign(head('presence', home.division_code, drill), named(member), { state: 'away', since_at: at });
    if (member.where) { record.where = member.where; }
    if (member.back_on) { record.back_at = member.back_on + 'T12:00:00+08:00'; }
    return record;
  }

  function visit(item, at, temperature, symptoms) {
    var record = Object.assign(head('visit', item.division_code, item.drill), { person_id: item.person_id, visited_at: at });
    if (temperature) { record.temperature_celsius = temperature; }
    if (symptoms.length) { record.symptoms = symptoms; }
    return record;
  }

  function sample(item, at, tube) {
    return Object.assign(head('tube', item.division_code, item.drill), {
      tube_id: tube, sampled_at: at, members: [{ person_id: item.person_id, division_code: item.division_code }]
    });
  }

  function step(item, kind, at, followed) {
    return Object.assign(head(kind, item.division_code, item.drill), followed, {
      done_at: at, done_by: GW.session.current().post
    });
  }

  function leadStep(item, kind, at) { return step(item, kind, at, { lead: { id: item.lead_id } }); }

  function passedOn(item, at, to, reason) {
    return Object.assign(leadStep(item, 'lead-passed-on', at), { to_division_code: to, reason: reason });
  }

  function need(item, word, at) {
    return Object.assign(head('need', item.division_code, item.drill), { person_id: item.person_id, need: word, asked_at: at });
  }

  function needMet(item, at) { return step(item, 'need-met', at, { asked: { id: item.need_id } }); }

  GW.records = {
    householdVisit: householdVisit, attempt: attempt, away: away, visit: visit, sample: sample, random: random,
    leadStep: leadStep, passedOn: passedOn, need: need, needMet: needMet,
    withdrawal: function (record) {
      return { feed: record.feed, source_id: record.source_id, kind: record.kind,
        revision: (record.revision || 1) + 1, withdrawn: true };
    }
  };
}());
