// A button of the site's own opens the chat as well.
document.getElementById('ask').addEventListener('click', () => { window.Confab.open(); });
