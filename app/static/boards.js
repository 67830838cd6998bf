/* Boards: a card is sent to another column by dragging it there, or by its menu. The server decides: what it
   refuses goes back to where it was, with the reason. */
(function () {
  "use strict";
  var board = document.getElementById("board");
  if (!board) return;
  var dragged = null;

  function column(card) { return card.closest("[data-column]"); }
  function cards(place) { return place.querySelector(".board-cards"); }
  function named(value) {
    return Array.from(board.querySelectorAll("[data-column]")).find(function (one) { return one.dataset.column === value; });
  }
  function way(card, value) {
    var template = column(card).querySelector("[data-ways]");
    return template && Array.from(template.content.querySelectorAll("[data-to]")).find(function (one) { return one.dataset.to === value; });
  }
  function address(card) { return board.dataset.moveBase + card.dataset.card; }
  function parsed(text) {
    var holder = document.createElement("template");
    holder.innerHTML = text.trim();
    return holder.content.firstElementChild;
  }

  /* A step that asks for more goes on to where that is filled in. */
  function send(card, target) {
    var found = way(card, target.dataset.column);
    if (found && found.dataset.ask) { location.href = address(card) + "/do/" + found.dataset.ask; return; }
    var home = column(card), after = card.nextElementSibling;
    cards(target).prepend(card);
    card.classList.add("moving");
    var body = new URLSearchParams({ to: target.dataset.column, version: card.dataset.version });
    fetch(address(card) + "/move" + board.dataset.query, { method: "POST", body: body, credentials: "same-origin",
      headers: { Accept: "application/json", "X-CSRFToken": window.Steward.token() } })
      .then(function (answer) { return answer.json().then(function (said) { return { ok: answer.ok, status: answer.status, said: said }; }); })
      .then(function (got) {
        if (!got.ok) throw got;
        settle(card, got.said);
      })
      .catch(function (got) {
        cards(home).insertBefore(card, after);
        card.classList.remove("moving");
        var words = window.Steward.words;
        window.Steward.toast(got.said ? got.said.message || words.failed : words.offline, "danger");
        focus(card);
        if (got.status === 409 || got.status === 404) fresh(card.dataset.card);
      });
  }
  function settle(card, said) {
    Object.keys(said.heads).forEach(function (value) {
      var place = named(value);
      if (place) place.querySelector(".board-head").replaceWith(parsed(said.heads[value]));
    });
    var place = column(card);
    if (said.card) {
      var made = parsed(said.card);
      card.replaceWith(made);
      focus(made);
    } else {
      card.remove();
      place.querySelector("h2").focus();
    }
    document.getElementById("board-said").textContent = said.message;
    window.Steward.toast(said.message, "success", said.undo);
  }
  /* Somebody else was faster: the board as it is now. */
  function fresh(id) {
    fetch(location.href, { credentials: "same-origin" }).then(function (answer) { return answer.text(); }).then(function (text) {
      var found = new DOMParser().parseFromString(text, "text/html").getElementById("board");
      if (!found) return;
      var across = board.scrollLeft;
      board.replaceChildren.apply(board, Array.from(found.children));
      board.scrollLeft = across;
      window.htmx.process(board);
      var card = board.querySelector('[data-card="' + id + '"]');
      if (card) focus(card); else board.focus();
    });
  }
  function focus(card) {
    var button = card.querySelector("[data-card-menu]");
    if (button) button.focus();
  }

  document.addEventListener("show.bs.dropdown", function (event) {
    if (!event.target.matches("[data-card-menu]")) return;
    var menu = event.target.nextElementSibling, template = column(event.target).querySelector("[data-ways]");
    menu.replaceChildren(template.content.cloneNode(true));
  });
  board.addEventListener("click", function (event) {
    var button = event.target.closest("[data-to]");
    if (!button) return;
    var card = button.closest("[data-card]"), target = named(button.dataset.to);
    if (target) send(card, target);
    else sendAway(card, button);
  });
  /* To a column that is not on the board, such as one that a filter leaves out. */
  function sendAway(card, button) {
    if (button.dataset.ask) { location.href = address(card) + "/do/" + button.dataset.ask; return; }
    var away = document.createElement("section");
    away.dataset.column = button.dataset.to;
    away.hidden = true;
    away.innerHTML = '<h2 tabindex="-1"></h2><div class="board-head"></div><ol class="board-cards"></ol>';
    board.append(away);
    send(card, away);
  }

  board.addEventListener("dragstart", function (event) {
    dragged = event.target.closest("[data-card]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.card);
    dragged.classList.add("dragged");
    board.querySelectorAll("[data-column]").forEach(function (place) {
      var open = place === column(dragged) || way(dragged, place.dataset.column);
      place.classList.toggle("closed", !open);
    });
  });
  board.addEventListener("dragover", function (event) {
    var place = dragged && event.target.closest("[data-column]");
    if (!place) return;
    event.preventDefault();
    board.querySelectorAll(".over").forEach(function (one) { if (one !== place) one.classList.remove("over"); });
    place.classList.toggle("over", place !== column(dragged));
  });
  board.addEventListener("drop", function (event) {
    var place = dragged && event.target.closest("[data-column]");
    if (!place) return;
    event.preventDefault();
    if (place !== column(dragged)) send(dragged, place);
  });
  board.addEventListener("dragend", function () {
    if (dragged) dragged.classList.remove("dragged");
    dragged = null;
    board.querySelectorAll(".over, .closed").forEach(function (one) { one.classList.remove("over", "closed"); });
  });
})();
