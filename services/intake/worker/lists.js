/* What is to be done, in order of time left, and every household of the grid. */
(function () {
  'use strict';

  var AT_ONCE = 30;
  var shown = { today: AT_ONCE, grid: AT_ONCE };
  var asked = { words: '', missing: true };

  function homes() { return (GW.wire.state.roster || {}).households || []; }

  function areas() { return (GW.wire.state.today || {}).areas || []; }

  function home(id) {
    return homes().filter(function (each) { return each.dwelling_id === id; })[0];
  }

  function person(id) {
    var found = null;
    homes().forEach(function (each) {
      each.members.forEach(function (member) {
        if (member.person_id === id) { found = { member: member, home: each }; }
      });
    });
    ((GW.wire.state.roster || {}).others || []).forEach(function (other) {
      if (!found && other.person_id === id) { found = { member: other, home: null }; }
    });
    return found || { member: {}, home: null };
  }

  function names(members) {
    return members.map(function (member) { return member.name || GW.t('unknown_person'); }).join('、');
  }

  function left(item) {
    if (!item.due_at) { return { text: GW.t('since', { time: GW.span(GW.now() - Date.parse(item.since_at)) }), urgent: true }; }
    var ms = Date.parse(item.due_at) - GW.now();
    return { text: GW.t(ms < 0 ? 'late' : 'left', { time: GW.span(ms) }), urgent: ms < 2 * 3600000 };
  }

  function open() {
    var today = GW.wire.state.today;
    return today ? today.items.filter(function (item) { return !GW.entries.closes(item); }) : [];
  }

  function card(item) {
    var time = left(item);
    var about = item.dwelling_id ? { home: home(item.dwelling_id) } : person(item.person_id);
    var who = item.dwelling_id
      ? GW.t('people', { n: about.home ? about.home.members.length : 0 }) + '　' + names(about.home ? about.home.members : [])
      : about.home ? about.home.address : '';
    var more = [];
    if (item.need) { more.push(GW.t('need_' + item.need)); }
    if (item.source) { more.push(GW.t('source_' + item.source) + (item.reference ? '　' + item.reference : '')); }
    if (item.attempts) { more.push(GW.t('tried', { n: item.attempts, why: GW.t(item.last_outcome) })); }
    if (item.unmet && item.unmet.length) {
      more.push(GW.t('unmet', { names: names(item.unmet.map(function (id) { return person(id).member; })) }));
    }
    if (!item.closed_by) { more.push(GW.t('told_only')); }
    var title = item.dwelling_id ? (about.home ? about.home.address : '…') : about.member.name || GW.t('unknown_person');
    var inside = [
      GW.el('span.kind', {}, GW.t(item.kind) + (item.drill ? ' · ' + GW.t('drill') : '')),
      GW.el('span.time' + (time.urgent ? '.urgent' : ''), {}, (time.urgent ? '⚠ ' : '') + time.text),
      GW.el('strong', {}, title),
      GW.el('span.who', {}, who),
      more.map(function (line) { return GW.el('span.more', {}, line); })
    ];
    var kind = 'card.' + item.kind + (item.drill ? '.drill' : '');
    if (!item.closed_by) { return GW.el('div.' + kind, {}, inside); }
    return GW.el('button.' + kind, { type: 'button', 'data-item': item.item_id, onclick: function () { GW.openItem(item); } }, inside);
  }

  function more(list, total, redraw) {
    if (total <= shown[list]) { return null; }
    return GW.button('wide', GW.t('more', { n: Math.min(AT_ONCE, total - shown[list]) }), function () {
      shown[list] += AT_ONCE;
      redraw();
    }, { id: 'more' });
  }

  function today() {
    var state = GW.wire.state.today;
    if (!state) { return []; }
    if (!state.areas.length && !state.items.length) { return [GW.el('p.empty', {}, GW.t('no_duty'))]; }
    var items = open();
    return [
      state.areas.map(progress),
      items.length ? items.slice(0, shown.today).map(card) : GW.el('p.empty', {}, '✓ ' + GW.t('nothing_due')),
      more('today', items.length, GW.render)
    ];
  }

  function progress(area) {
    if (!area.round) { return GW.el('p.quiet', {}, GW.t('no_round')); }
    var own = homes().filter(function (each) { return each.division_code.indexOf(area.division_code) === 0; });
    var many = area.households;
    var reached = own.length === many ? own.filter(function (each) { return stateOf(each) !== 'missing'; }).length : area.reached;
    return GW.el('div.progress', {},
      GW.el('span', {}, GW.t('progress', { round: area.round.round_id, reached: reached, households: many })),
      GW.el('progress', { max: many || 1, value: reached, 'aria-hidden': 'true' }));
  }

  /* missing, done, partly (somebody there was not met) or waiting (entered here, not sent yet). */
  function stateOf(each) {
    var own = GW.entries.ofDwelling(each.dwelling_id).filter(function (entry) { return entry.record.kind === 'household-visit'; });
    if (own.some(function (entry) { return entry.state === 'waiting'; })) { return 'waiting'; }
    var due = ((GW.wire.state.today || {}).items || []).filter(function (item) { return item.dwelling_id === each.dwelling_id; })[0];
    if (!due) { return 'done'; }
    if (GW.entries.closes(due)) { return 'done'; }
    return due.unmet && due.unmet.length ? 'partly' : 'missing';
  }

  function row(each) {
    var state = stateOf(each);
    var people = each.members.map(function (member) {
      return (member.name || GW.t('unknown_person')) + (member.away ? '（' + GW.t('away') + '）' : '');
    }).join('、');
    var mark = { missing: '○', done: '✓', partly: '◐', waiting: '↑' }[state];
    return GW.el('button.card.' + state, { type: 'button', 'data-home': each.dwelling_id, onclick: function () { GW.openHome(each); } },
      GW.el('span.time', {}, mark + ' ' + GW.t('state_' + state)), GW.el('strong', {}, each.address), GW.el('span.who', {}, people));
  }

  /* By address, name, its initials in pinyin, and any part of a telephone. */
  function sought(home) {
    return [home.address].concat(home.members.map(function (member) {
      return [member.name, member.initials, member.phone].filter(Boolean).join(' ');
    })).join(' ');
  }

  function matching() {
    var words = asked.words.toLowerCase();
    return homes().filter(function (each) {
      var state = stateOf(each);
      if (asked.missing && (state === 'done' || state === 'waiting')) { return false; }
      return !words || sought(each).toLowerCase().indexOf(words) >= 0;
    });
  }

  /* The field in which a household is sought has the focus. */
  function searching() { return document.activeElement && document.activeElement.name === 'find'; }

  function rows() {
    var found = matching();
    return [found.slice(0, shown.grid).map(row), more('grid', found.length, find)];
  }

  function find() { GW.fill('homes', rows()); }

  function grid() {
    var missing = homes().filter(function (each) { return ['missing', 'partly'].indexOf(stateOf(each)) >= 0; }).length;
    var field = GW.field(GW.t('find'), 'find', find, { type: 'search', value: asked.words, oninput: function () {
      asked.words = this.value.trim();
      shown.grid = AT_ONCE;
      find();
    } });
    var which = GW.choice(GW.t('grid'), [[true, GW.t('only_missing', { n: missing })], [false, GW.t('everyone', { n: homes().length })]],
      asked.missing, function (value) {
        asked.missing = value;
        find();
      });
    return [field, which, GW.el('div', { id: 'homes' }, rows())];
  }

  GW.lists = { today: today, grid: grid, find: find, searching: searching, open: open, areas: areas, home: home, person: person, names: names };
}());
