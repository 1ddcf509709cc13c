/* What is drawn anew by itself must not get in the way of a finger or of the keyboard. */
(function () {
  'use strict';

  var CLICK_WITHIN = 300; // of a finger that was lifted, in ms; a mouse clicks at once
  var pressing = false;
  var waiting = null;

  /* What a finger is on stays until it is lifted, else the tap is lost: whether `draw` waits for that. */
  function later(draw) {
    waiting = pressing ? draw : null;
    return pressing;
  }

  function lifted() {
    pressing = false;
    if (waiting) { waiting(); }
  }

  window.addEventListener('pointerdown', function (event) { pressing = event.button === 0; }, true);
  window.addEventListener('pointerup', function (event) { setTimeout(lifted, event.pointerType === 'mouse' ? 0 : CLICK_WITHIN); }, true);
  window.addEventListener('pointercancel', lifted, true);
  window.addEventListener('blur', lifted);

  /* The keyboard's focus goes back to what now stands in the place of what had it. */
  function keepFocus(draw) {
    var at = document.activeElement;
    var box = at && at.closest('[id], [data-item], [data-home], [data-entry]');
    var name = box && ['id', 'data-item', 'data-home', 'data-entry'].filter(function (each) { return box.hasAttribute(each); })[0];
    var same = box && '[' + name + '="' + box.getAttribute(name) + '"]';
    var n = box ? Array.prototype.indexOf.call(box.querySelectorAll('button'), at) : -1;
    draw();
    var now = box && document.querySelector(same);
    var to = now && n >= 0 ? now.querySelectorAll('button')[n] : now;
    if (to && document.activeElement === document.body) { to.focus({ preventScroll: true }); }
  }

  GW.calm = { later: later, keepFocus: keepFocus };
}());
