/* Files are sent in parts (tus 1.0) as soon as they are dropped or chosen, and go on where a cut stopped them.
   [data-file-drop=one]   a field of a form: its number is put into [data-file-number], its name into the input with the id data-file-name
   [data-file-drop=many]  a form of its own: it is posted with the numbers of all that have arrived
   Without this script the file inputs in there are posted with their forms. */
(function () {
  "use strict";
  var here = document.currentScript.dataset;
  var words = window.Steward.words;
  var PART = 8 * 1024 * 1024;
  var AT_ONCE = 3;
  var PAUSES = [0, 1000, 3000, 5000, 10000, 20000];
  var loading = null, underway = 0, waiting = [];

  function tus() {
    if (window.tus) return Promise.resolve(window.tus);
    if (!loading) {
      loading = new Promise(function (done, failed) {
        var script = document.createElement("script");
        script.src = here.library;
        script.onload = function () { done(window.tus); };
        script.onerror = function () { loading = null; failed(new Error(words.offline)); };
        document.head.append(script);
      });
    }
    return loading;
  }
  function element(name, kind, text) {
    var made = document.createElement(name);
    if (kind) made.className = kind;
    if (text) made.textContent = text;
    return made;
  }
  function button(text, act) {
    var made = element("button", "btn btn-sm btn-ghost", text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  /* A line for each file: its name, how far it has come, what can be done. */
  function Line(box, file) {
    this.place = element("li", "file-line");
    this.bar = element("progress");
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.state = element("span", "quiet", words.file_waits);
    this.acts = element("span", "file-acts");
    this.place.append(element("span", "file-name", file.name), this.state, this.acts, this.bar);
    box.querySelector("[data-file-lines]").append(this.place);
  }
  Line.prototype.says = function (text, acts) {
    this.state.textContent = text;
    this.acts.replaceChildren.apply(this.acts, acts || []);
  };
  Line.prototype.at = function (sent, all) {
    this.bar.value = sent;
    this.state.textContent = Math.floor(sent / all * 100) + " %";
  };

  function told(error) {
    var answer = error.originalResponse;
    if (!answer) return error.originalRequest ? words.offline : error.message || words.failed;
    try { return JSON.parse(answer.getBody()).message || words.failed; } catch (wrong) {
      if (!(wrong instanceof SyntaxError)) throw wrong;
      return words.failed;
    }
  }
  function finish(address, tries) {
    var asked = { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": window.Steward.token(), Accept: "application/json" } };
    return fetch(address + "/finish", asked).then(function (answer) {
      if (answer.ok) return answer.json();
      return answer.json().then(function (body) {
        if (answer.status !== 409 || tries <= 0) throw new Error(body.message || words.failed);
        return new Promise(function (done) { setTimeout(done, 2000); }).then(function () { return finish(address, tries - 1); });
      });
    });
  }
  function upload(library, file, line) {
    return new Promise(function (done, failed) {
      var sending = new library.Upload(file, {
        endpoint: here.endpoint, chunkSize: PART, retryDelays: PAUSES, removeFingerprintOnSuccess: true,
        metadata: { filename: file.name }, headers: { "X-CSRFToken": window.Steward.token() },
        onProgress: function (sent, all) { line.at(sent, all); },
        onError: failed,
        onSuccess: function () {
          line.says(words.file_checked);
          finish(sending.url, 30).then(done, failed);
        }
      });
      line.says("0 %", [button(words.cancel, function () {
        sending.abort(true).catch(function () { window.Steward.toast(words.offline, "warning"); });
        failed(null);
      })]);
      sending.findPreviousUploads().then(function (before) {
        if (before.length) sending.resumeFromPreviousUpload(before[0]);
        sending.start();
      }, failed);
    });
  }

  /* A few at once; a form that is sent meanwhile waits for its files. */
  function next() {
    while (underway < AT_ONCE && waiting.length) {
      underway += 1;
      waiting.shift()();
    }
  }
  function ended() { underway -= 1; next(); }
  function send(box, file, line, arrived) {
    var form = box.closest("form");
    form.dataset.sending = Number(form.dataset.sending || 0) + 1;
    function over() {
      ended();
      form.dataset.sending = Number(form.dataset.sending) - 1;
    }
    waiting.push(function () {
      tus().then(function (library) { return upload(library, file, line); }).then(function (found) {
        over();
        line.bar.value = line.bar.max;
        line.says(found.kind);
        arrived(found, line);
        settle(form);
      }, function (error) {
        over();
        if (error === null) line.place.remove();
        else {
          line.place.classList.add("file-failed");
          line.says(told(error), [
            button(words.file_again, function () { line.place.classList.remove("file-failed"); send(box, file, line, arrived); }),
            button(words.remove, function () { line.place.remove(); settle(form); })
          ]);
        }
        settle(form);
      });
    });
    next();
  }
  function settle(form) {
    if (Number(form.dataset.sending)) return;
    var failed = form.querySelector(".file-failed");
    if (form.dataset.wanted && !failed) form.requestSubmit();
    delete form.dataset.wanted;
    var own = form.matches("[data-file-drop=many]");
    if (own && !failed && form.querySelector("[data-file-arrived]")) form.requestSubmit();
    else if (own) form.querySelector("[type=submit]").hidden = !form.querySelector("[data-file-arrived]");
  }

  function one(box, files) {
    if (!files.length) return;
    box.querySelector("[data-file-lines]").replaceChildren();
    send(box, files[0], new Line(box, files[0]), function (found) {
      var number = box.querySelector("[data-file-number]");
      number.value = found.id;
      box.querySelectorAll("[data-file-kept]").forEach(function (kept) { kept.remove(); });
      var name = document.getElementById(box.dataset.fileName || "");
      if (name && !name.value) name.value = found.name;
      number.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  function many(box, files) {
    files.forEach(function (file) {
      send(box, file, new Line(box, file), function (found, line) {
        var number = element("input");
        number.type = "hidden";
        number.name = "file";
        number.value = found.id;
        number.dataset.fileArrived = "1";
        line.place.append(number);
      });
    });
  }
  function take(box, files) {
    (box.dataset.fileDrop === "many" ? many : one)(box, Array.from(files));
  }

  function start(box) {
    if (box.dataset.started) return;
    box.dataset.started = "1";
    box.classList.add("file-drop-ready");
    box.querySelectorAll("[data-file-hint]").forEach(function (hint) { hint.hidden = false; });
    if (box.matches("form")) box.querySelector("[type=submit]").hidden = true;
    var input = box.querySelector("input[type=file]");
    input.addEventListener("change", function () {
      take(box, input.files);
      input.value = "";
    });
    box.addEventListener("dragover", function () { box.classList.add("file-drop-over"); });
    box.addEventListener("dragleave", function (event) {
      if (!box.contains(event.relatedTarget)) box.classList.remove("file-drop-over");
    });
    box.addEventListener("drop", function (event) {
      box.classList.remove("file-drop-over");
      take(box, event.dataTransfer.files);
    });
  }
  function holdsFiles(event) { return event.dataTransfer && Array.from(event.dataTransfer.types).indexOf("Files") >= 0; }
  /* A file that misses its place must not replace the page, and with it what was typed. */
  ["dragover", "drop"].forEach(function (name) {
    window.addEventListener(name, function (event) { if (holdsFiles(event)) event.preventDefault(); });
  });
  document.addEventListener("submit", function (event) {
    if (!Number(event.target.dataset.sending)) return;
    event.preventDefault();
    event.target.dataset.wanted = "1";
  }, true);
  document.addEventListener("steward:prepare", function (event) {
    event.detail.querySelectorAll("[data-file-drop]").forEach(start);
  });
})();
