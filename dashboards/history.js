// Where the pages' server is, so that it is not looked for under each page.
window.__streamlit = { BACKEND_BASE_URL: location.origin, MAIN_PAGE_BASE_URL: location.origin };

// One step of Back is one page. Streamlit makes a step of each value that a page fills into its own address, and on the
// way to another page first gives that page's query to the page that is left.
(() => {
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let changed = null; // the last change of a query on one page: the address before it, and whether it was a step
  history.pushState = (state, title, address) => {
    const now = new URL(location.href);
    const next = new URL(address, now);
    if (now.pathname === next.pathname) {
      const fillsIn = [...now.searchParams].every(([name, value]) => next.searchParams.get(name) === value);
      changed = { from: now.href, wasStep: !fillsIn };
      (fillsIn ? replace : push)(state, title, address);
      return;
    }
    const isOfNext = changed && next.search && next.search === now.search;
    if (isOfNext && !changed.wasStep) replace(state, title, changed.from);
    (isOfNext && changed.wasStep ? replace : push)(state, title, address);
    changed = null;
  };
})();
