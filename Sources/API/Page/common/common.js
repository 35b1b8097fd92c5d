/* include common/dom.js */
/* include common/language.js */
/* include common/format.js */
/* include common/api.js */
/* include common/events.js */
/* include common/frame.js */
