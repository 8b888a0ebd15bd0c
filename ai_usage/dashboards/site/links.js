// Links from board to board take the filters along: they stand in the URL's hash.
(() => {
  const carry = () => {
    for (const link of document.querySelectorAll('a[href*=".html"]')) {
      link.setAttribute("href", `${link.getAttribute("href").split("#")[0]}${location.hash}`);
    }
  };
  carry();
  window.addEventListener("hashchange", carry);
  document.addEventListener("choicechange", carry);
})();
