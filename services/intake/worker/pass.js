/* Where a lead is passed on to: the divisions around, found by name or code, without a signal too. */
(function () {
  'use strict';

  var AT_ONCE = 8;

  function places(item, words) {
    var all = (GW.wire.state.roster || {}).passed_to || [];
    return all.filter(function (each) {
      return each.division_code !== item.division_code &&
        (each.name.indexOf(words) >= 0 || each.division_code.indexOf(words) === 0);
    }).sort(function (one, other) { return near(item, other) - near(item, one); });
  }

  /* Those above stand first, the village at the head; then whoever shares most digits of the code. */
  function near(item, place) {
    var n = 0;
    if (item.division_code.indexOf(place.division_code) === 0) { return 100 + place.division_code.length; }
    while (n < place.division_code.length && place.division_code[n] === item.division_code[n]) { n += 1; }
    return n;
  }

  /* pass: called with the place chosen, if any, and the reason. */
  function box(item, pass) {
    var chosen = null;
    var list = GW.el('div');
    var made = GW.el('details.pass', {}, GW.el('summary', {}, GW.t('lead_pass')));
    function done() {
      pass(places(item, '').filter(function (each) { return each.division_code === chosen; })[0], GW.value(made, 'pass_reason'));
    }
    function redraw() {
      var found = places(item, GW.value(made, 'pass_find')).slice(0, AT_ONCE);
      if (!found.some(function (each) { return each.division_code === chosen; })) { chosen = null; }
      while (list.firstChild) { list.removeChild(list.firstChild); }
      GW.append(list, found.length ? GW.choice(GW.t('lead_pass'), found.map(function (each) { return [each.division_code, each.name]; }), chosen,
        function (code) { chosen = code; }) : GW.el('p.label', {}, GW.t('pass_none')));
    }
    GW.append(made, [GW.field(GW.t('pass_find'), 'pass_find', redraw, { type: 'search', oninput: redraw }), list,
      GW.field(GW.t('reason'), 'pass_reason', done), GW.button('wide', GW.t('lead-passed-on'), done)]);
    redraw();
    return made;
  }

  GW.pass = { box: box };
}());
