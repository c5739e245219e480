// A page of a server asks for itself, and shows what is new: the document, and what
// stands in elements with data-swap.

const POLL_MS = 3000;

// watchLive calls changed with the new page, as a document, whenever there is one.
async function watchLive(changed) {
  let tag = "";
  for (;;) {
    await new Promise((done) => setTimeout(done, POLL_MS));
    if (document.hidden) continue;
    try {
      const answer = await fetch(location.pathname, {cache: "no-store", headers: tag ? {"If-None-Match": tag} : {}});
      if (answer.status === 304) continue;
      if (!answer.ok) throw new Error(answer.statusText);
      tag = answer.headers.get("ETag") ?? "";
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of $$("[data-swap]")) {
        const now = next.getElementById(old.id);
        if (now) renew(old, document.adoptNode(now));
        else old.remove(); // there is no progress any more
      }
      await changed(next);
      if (!next.body.hasAttribute("data-live")) return say("the run has ended");
    } catch {
      say("the server does not answer; still asking");
    }
  }
}
