/* Elements without a library: GW.el('button.big', {onclick: f}, 'text'); no text is ever read as HTML. */
(function () {
  'use strict';

  GW.el = function (tag, attributes) {
    var parts = tag.split('.');
    var made = document.createElement(parts[0]);
    if (parts.length > 1) { made.className = parts.slice(1).join(' '); }
    Object.keys(attributes || {}).forEach(function (name) {
      var value = attributes[name];
      if (name.slice(0, 2) === 'on') {
        made.addEventListener(name.slice(2), value);
      } else if (value === true) {
        made.setAttribute(name, '');
      } else if (value !== false && value !== null && value !== undefined) {
        made.setAttribute(name, value);
      }
    });
    Array.prototype.slice.call(arguments, 2).forEach(function (child) { GW.append(made, child); });
    return made;
  };

  GW.append = function (parent, child) {
    if (Array.isArray(child)) {
      child.forEach(function (each) { GW.append(parent, each); });
    } else if (child !== null && child !== undefined && child !== false) {
      parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  };

  GW.fill = function (id) {
    var place = document.getElementById(id);
    while (place.firstChild) { place.removeChild(place.firstChild); }
    Array.prototype.slice.call(arguments, 1).forEach(function (child) { GW.append(place, child); });
    return place;
  };

  GW.button = function (kind, text, act, more) {
    return GW.el('button.' + kind, Object.assign({ type: 'button', onclick: act }, more || {}), text);
  };

  /* What a tap keeps, once: while it is being kept, no other tap on the page keeps anything. One form is open at a time. */
  var keeping = false;
  GW.once = function (act) {
    return async function () {
      if (keeping) { return; }
      keeping = true;
      try {
        await act.apply(null, arguments);
      } finally {
        keeping = false;
      }
    };
  };

  /* One of several, as buttons: pressed says which, for eyes and screen readers alike. */
  GW.choice = function (label, options, chosen, onchange) {
    var row = GW.el('div.choice', { role: 'group', 'aria-label': label });
    options.forEach(function (option) {
      row.appendChild(GW.button('option', option[1], function () {
        Array.prototype.forEach.call(row.children, function (each) { each.setAttribute('aria-pressed', 'false'); });
        this.setAttribute('aria-pressed', 'true');
        onchange(option[0]);
      }, { 'aria-pressed': String(option[0] === chosen), 'data-value': option[0] }));
    });
    return row;
  };

  /* Any number of several. */
  GW.several = function (label, options, chosen) {
    return GW.el('div.choice', { role: 'group', 'aria-label': label }, options.map(function (option) {
      return GW.button('option', option[1], function () {
        var at = chosen.indexOf(option[0]);
        if (at < 0) { chosen.push(option[0]); } else { chosen.splice(at, 1); }
        this.setAttribute('aria-pressed', String(at < 0));
      }, { 'aria-pressed': String(chosen.indexOf(option[0]) >= 0), 'data-value': option[0] });
    }));
  };

  /* A field of text. Enter acts, but never while an input method is still putting a word together: that Enter only
     takes the word. keyCode 229 is what browsers of 2018 say then. */
  GW.field = function (label, name, onenter, more) {
    var composing = false;
    var input = GW.el('input', Object.assign({
      type: 'text', name: name, autocomplete: 'off',
      oncompositionstart: function () { composing = true; },
      oncompositionend: function () { composing = false; },
      onkeydown: function (event) {
        if (event.key === 'Enter' && !composing && !event.isComposing && event.keyCode !== 229) {
          event.preventDefault();
          onenter();
        }
      }
    }, more || {}));
    return GW.el('label.field', {}, GW.el('span', {}, label), input);
  };

  GW.value = function (place, name) {
    var input = place.querySelector('[name="' + name + '"]');
    return input ? input.value.trim() : '';
  };
}());
