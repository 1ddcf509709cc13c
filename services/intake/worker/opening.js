/* Which form a tap opens: of what is due, of a household, of an entry that is corrected or mended. */
(function () {
  'use strict';

  /* The round of the area in which a household lies. */
  function roundOf(home) {
    return GW.lists.areas().filter(function (area) {
      return area.round && home.division_code.indexOf(area.division_code) === 0;
    }).map(function (area) { return area.round; })[0];
  }

  GW.openItem = function (item) {
    if (item.kind === 'household') { GW.openHome(GW.lists.home(item.dwelling_id)); }
    if (item.kind === 'visit') { GW.care.visit(item); }
    if (item.kind === 'sampling') { GW.care.sample(item); }
    if (item.kind === 'lead') { GW.follow.lead(item); }
    if (item.kind === 'need') { GW.follow.need(item); }
  };

  GW.openHome = function (home) {
    if (home && roundOf(home)) { GW.form.open(home, roundOf(home)); }
  };

  GW.openEntry = function (entry) {
    if (entry.record.kind === 'household-visit') {
      var was = { round_id: entry.record.round_id, drill: Boolean(entry.record.drill) };
      GW.form.open(GW.lists.home(entry.about.dwelling_id), was, entry);
    } else if (entry.record.kind === 'presence') {
      GW.whereabouts.open(entry);
    } else if (entry.record.lead) {
      GW.follow.lead(entry.about.form.item, entry);
    } else if (entry.record.asked) {
      GW.follow.need(entry.about.form.item, entry);
    } else {
      GW.care[entry.record.kind === 'visit' ? 'visit' : 'sample'](entry.about.form.item, entry);
    }
  };
}());
