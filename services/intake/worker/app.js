/* The page put together: who is signed in, which list is shown, what the line on top says. */
(function () {
  'use strict';

  var LOOK_EVERY = 60000;
  var WARN_BEFORE = 4 * 3600000;
  var tab = 'today';
  var form = null;
  var emptiesAt = null;
  var notice = '';

  GW.language = localStorage.getItem('gridward-language') || (/^zh/.test(navigator.language) ? 'zh' : 'en');

  GW.show = function (page) {
    form = page;
    GW.render();
    window.scrollTo(0, 0);
  };

  GW.done = function () {
    form = null;
    GW.render();
    GW.wire.flush();
  };

  function inDrill() {
    return GW.lists.areas().some(function (area) { return area.round && area.round.drill; });
  }

  function head() {
    var post = GW.session.current();
    document.documentElement.lang = GW.language === 'zh' ? 'zh-CN' : 'en';
    document.body.classList.toggle('drill', inDrill());
    GW.fill('head',
      form ? GW.button('plain', '‹ ' + GW.t('back'), function () { GW.show(null); }) : GW.el('strong', {}, GW.t('title')),
      inDrill() ? GW.el('em', {}, GW.t('drill')) : null,
      GW.el('span.acts', {},
        GW.button('plain', GW.t('other_language'), other, { id: 'language' }),
        post ? GW.button('plain', GW.t('sign_out'), leave, { id: 'leave' }) : null));
  }

  function other() {
    GW.language = GW.language === 'zh' ? 'en' : 'zh';
    localStorage.setItem('gridward-language', GW.language);
    form = null;
    GW.render();
  }

  function line() {
    var state = GW.wire.state;
    var waiting = GW.entries.waiting().length;
    var parts = [state.online ? '● ' + GW.t('online') : '○ ' + GW.t('offline')];
    if (waiting) { parts.push('↑ ' + GW.t('waiting', { n: waiting })); }
    if (!waiting && GW.entries.all().length) { parts.push('✓ ' + GW.t('all_sent')); }
    if (GW.entries.rejected().length) { parts.push('✗ ' + GW.t('rejected_n', { n: GW.entries.rejected().length })); }
    if (GW.entries.toCheck().length) { parts.push('⚠ ' + GW.t('check_n', { n: GW.entries.toCheck().length })); }
    if (state.expired) { parts = ['✗ ' + GW.t('expired', { n: waiting })]; }
    if (emptiesAt && waiting && emptiesAt - Date.now() < WARN_BEFORE) { parts.push('⚠ ' + GW.t('empties_at', { at: GW.clock(emptiesAt) })); }
    var place = GW.fill('line', parts.join('　'));
    place.className = state.expired || GW.entries.rejected().length ? 'bad' : waiting || !state.online ? 'waits' : '';
    place.hidden = !GW.session.current();
  }

  function tabs() {
    if (!GW.session.current() || form) {
      GW.fill('tabs');
      return;
    }
    var counts = { today: GW.lists.open().length, entries: GW.entries.waiting().length + GW.entries.rejected().length };
    GW.fill('tabs', ['today', 'grid', 'entries'].map(function (name) {
      return GW.button('tab', GW.t(name) + (counts[name] ? ' ' + counts[name] : ''), function () {
        tab = name;
        GW.render();
        window.scrollTo(0, 0);
      }, { 'aria-pressed': String(tab === name), id: 'tab-' + name });
    }));
  }

  /* Also for whoever was signed out by time: what was entered stays, and so does what is being entered. */
  function signIn() {
    var page = GW.el('section.form', { 'data-form': 'sign-in' },
      GW.el('h1', {}, GW.t('sign_in')), notice ? GW.el('p.notice', { role: 'alert' }, notice) : null, GW.el('p', {}, GW.t('sign_in_how')),
      GW.field(GW.t('sign_in_code'), 'code', enter, { type: 'password' }), GW.button('main', GW.t('sign_in'), enter));
    function enter() { come(GW.value(page, 'code')); }
    return page;
  }

  /* A form is a signed-in worker's; a question may come before. */
  function open() { return form && (GW.session.current() || form.getAttribute('data-form') === 'question'); }

  /* What arrives by itself disturbs neither a tap nor what is being typed, nor where the keyboard stands. */
  GW.arrived = function () {
    if (GW.calm.later(GW.arrived)) { return; }
    if (open() && document.body.contains(form)) {
      line();
    } else if (tab === 'grid' && GW.lists.searching()) {
      line();
      tabs();
      GW.lists.find();
    } else {
      GW.calm.keepFocus(GW.render);
    }
  };

  function list() {
    if (tab === 'today') {
      return [GW.lists.today(), GW.button('wide', '↻ ' + GW.t('refresh'), function () { GW.wire.refresh(true); GW.wire.flush(); }, { id: 'refresh' })];
    }
    return tab === 'grid' ? GW.lists.grid() : GW.history.view();
  }

  GW.render = function () {
    head();
    line();
    tabs();
    if (open()) {
      GW.fill('main', form);
    } else if (!GW.session.current()) {
      GW.fill('main', signIn());
    } else {
      GW.fill('main', GW.wire.state.expired ? GW.button('main', GW.t('sign_in_again'), again, { id: 'again' }) : null, list());
    }
  };

  function again() {
    notice = '';
    GW.show(signIn());
  }

  function signingIn() { return form && form.getAttribute('data-form') === 'sign-in'; }

  async function come(token) {
    if (!token) { return; }
    var how = await GW.session.signIn(token);
    notice = { wrong: GW.t('sign_in_wrong'), away: GW.t('sign_in_away') }[how] || '';
    if (how === 'other') {
      ask(GW.t('other_store', { n: await GW.store.unsent() }), GW.t('empty_it'), async function () {
        await gone('');
        come(token);
      });
      return;
    }
    if (signingIn()) { form = null; }
    if (how === 'in') {
      await begin();
    } else if (!form && GW.session.current()) {
      form = signIn();
    }
    GW.arrived();
  }

  /* A link that is opened in this tab while the page stands in it. */
  function arrivedByLink() { come(GW.session.taken()); }

  async function begin() {
    emptiesAt = await GW.store.emptiesAt();
    await GW.wire.load();
    await GW.entries.load();
    GW.wire.state.expired = false;
    GW.render();
    await GW.wire.refresh(false);
    GW.wire.flush();
  }

  function leave() {
    var waiting = GW.entries.waiting().length;
    if (waiting) {
      ask(GW.t('sign_out_lose', { n: waiting }), GW.t('sign_out_yes'), function () { gone(GW.t('signed_out')); });
    } else {
      gone(GW.t('signed_out'));
    }
  }

  async function gone(words) {
    await GW.session.signOut();
    left(words);
  }

  function left(words) {
    GW.wire.forget();
    GW.entries.forget();
    form = null;
    emptiesAt = null;
    tab = 'today';
    notice = words;
    GW.render();
  }

  function ask(question, yes, act) {
    form = GW.el('section.form', { 'data-form': 'question', role: 'alertdialog' }, GW.el('p', {}, question),
      GW.button('main.danger', yes, function () { form = null; act(); }), GW.button('wide', GW.t('cancel'), function () { GW.show(null); }));
    GW.fill('main', form);
    tabs();
  }

  /* Whether the day was over and this phone is empty now; what was not sent is told. A phone that is empty already was
     emptied from another tab. */
  async function dayIsOver() {
    var until = await GW.store.emptiesAt();
    if (!until && GW.session.current()) {
      GW.session.forget();
      left(GW.t('signed_out'));
      return true;
    }
    if (!until || Date.now() < until) { return false; }
    var lost = await GW.store.unsent();
    await gone(GW.t('emptied') + (lost ? GW.t('emptied_lost', { n: lost }) : ''));
    return true;
  }

  async function look() {
    if (!await dayIsOver() && GW.session.current()) {
      await GW.wire.flush();
      await GW.wire.refresh(false);
    }
  }

  async function boot() {
    if ('serviceWorker' in navigator) { navigator.serviceWorker.register('sw.js').catch(function () {}); }
    setInterval(look, LOOK_EVERY);
    GW.session.onLeft(function () { left(GW.t('signed_out')); });
    window.addEventListener('hashchange', arrivedByLink);
    window.addEventListener('online', function () { GW.wire.state.online = true; look(); });
    window.addEventListener('offline', function () { GW.wire.state.online = false; GW.arrived(); });
    document.addEventListener('visibilitychange', function () { if (!document.hidden) { look(); } });
    var token = GW.session.taken();
    if (!token) { GW.session.resume(); }
    await dayIsOver();
    if (token) {
      await come(token);
    } else if (GW.session.current() && await GW.store.unlock(GW.session.current().key)) {
      await begin();
    } else {
      GW.session.forget();
    }
    GW.arrived();
  }

  boot();
}());
