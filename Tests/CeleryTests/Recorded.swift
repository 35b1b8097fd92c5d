/// What a real Celery 5.7 with kombu 5.7 put into a real Redis.
enum Recorded {
    /// A task with a prompt in Chinese.
    static let plain = #"""
        {"body": "W1tdLCB7InByb21wdCI6ICJcdTRlMDBcdTUzZWFcdTczMmIifSwgeyJjYWxsYmFja3MiOiBudWxsLCAiZXJyYm\#
        Fja3MiOiBudWxsLCAiY2hhaW4iOiBudWxsLCAiY2hvcmQiOiBudWxsfV0=", "content-encoding": "utf-8", "conte\#
        nt-type": "application/json", "headers": {"lang": "py", "task": "animato.generate", "id": "11111\#
        111-1111-1111-1111-111111111111", "shadow": null, "eta": null, "expires": null, "group": null, "\#
        group_index": null, "retries": 0, "timelimit": [null, null], "root_id": "11111111-1111-1111-1111\#
        -111111111111", "parent_id": null, "argsrepr": "()", "kwargsrepr": "{'prompt': '\u4e00\u53ea\u73\#
        2b'}", "origin": "gen9532@vm", "ignore_result": null, "replaced_task_nesting": 0, "stamped_heade\#
        rs": null, "stamps": {}}, "properties": {"correlation_id": "11111111-1111-1111-1111-111111111111\#
        ", "reply_to": "62e30454-9952-3438-9e08-7c0d25feb571", "delivery_mode": 2, "delivery_info": {"ex\#
        change": "", "routing_key": "animato"}, "priority": 0, "body_encoding": "base64", "delivery_tag"\#
        : "c93ac90b-e975-4c55-8110-094a815a7590"}}
        """#

    /// A task with countdown and expires.
    static let delayed = #"""
        {"body": "W1tdLCB7InByb21wdCI6ICJsYXRlciJ9LCB7ImNhbGxiYWNrcyI6IG51bGwsICJlcnJiYWNrcyI6IG51bGwsIC\#
        JjaGFpbiI6IG51bGwsICJjaG9yZCI6IG51bGx9XQ==", "content-encoding": "utf-8", "content-type": "appli\#
        cation/json", "headers": {"lang": "py", "task": "animato.generate", "id": "a51017f5-aa86-426a-96\#
        2a-03a65a5e5d8a", "shadow": null, "eta": "2026-11-29T01:49:50.040898+00:00", "expires": "2026-11\#
        -29T01:50:20.040898+00:00", "group": null, "group_index": null, "retries": 0, "timelimit": [null\#
        , null], "root_id": "a51017f5-aa86-426a-962a-03a65a5e5d8a", "parent_id": null, "argsrepr": "()",\#
         "kwargsrepr": "{'prompt': 'later'}", "origin": "gen9532@vm", "ignore_result": null, "replaced_t\#
        ask_nesting": 0, "stamped_headers": null, "stamps": {}}, "properties": {"correlation_id": "a5101\#
        7f5-aa86-426a-962a-03a65a5e5d8a", "reply_to": "62e30454-9952-3438-9e08-7c0d25feb571", "delivery_\#
        mode": 2, "expiration": "60000", "delivery_info": {"exchange": "", "routing_key": "animato"}, "p\#
        riority": 0, "body_encoding": "base64", "delivery_tag": "90fb3ec4-4d51-48c9-8183-70bc2cb4827c"}}
        """#

    /// A task with the priority 7.
    static let urgent = #"""
        {"body": "W1tdLCB7InByb21wdCI6ICJ4IiwgImZhaWwiOiB0cnVlfSwgeyJjYWxsYmFja3MiOiBudWxsLCAiZXJyYmFja3\#
        MiOiBudWxsLCAiY2hhaW4iOiBudWxsLCAiY2hvcmQiOiBudWxsfV0=", "content-encoding": "utf-8", "content-t\#
        ype": "application/json", "headers": {"lang": "py", "task": "animato.generate", "id": "af7a576e-\#
        8dd3-4615-afd4-a068842a5ebf", "shadow": null, "eta": null, "expires": null, "group": null, "grou\#
        p_index": null, "retries": 0, "timelimit": [null, null], "root_id": "af7a576e-8dd3-4615-afd4-a06\#
        8842a5ebf", "parent_id": null, "argsrepr": "()", "kwargsrepr": "{'prompt': 'x', 'fail': True}", \#
        "origin": "gen9532@vm", "ignore_result": null, "replaced_task_nesting": 0, "stamped_headers": nu\#
        ll, "stamps": {}}, "properties": {"correlation_id": "af7a576e-8dd3-4615-afd4-a068842a5ebf", "rep\#
        ly_to": "62e30454-9952-3438-9e08-7c0d25feb571", "delivery_mode": 2, "delivery_info": {"exchange"\#
        : "", "routing_key": "animato"}, "priority": 7, "body_encoding": "base64", "delivery_tag": "60fb\#
        658f-3acf-4962-8bab-8ba0d5d769cd"}}
        """#

    /// A task with a positional argument.
    static let positional = #"""
        {"body": "W1sicG9zIl0sIHt9LCB7ImNhbGxiYWNrcyI6IG51bGwsICJlcnJiYWNrcyI6IG51bGwsICJjaGFpbiI6IG51bG\#
        wsICJjaG9yZCI6IG51bGx9XQ==", "content-encoding": "utf-8", "content-type": "application/json", "h\#
        eaders": {"lang": "py", "task": "animato.generate", "id": "f8b8baec-0ec4-4a82-84a7-69fe98431159"\#
        , "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0\#
        , "timelimit": [null, null], "root_id": "f8b8baec-0ec4-4a82-84a7-69fe98431159", "parent_id": nul\#
        l, "argsrepr": "['pos']", "kwargsrepr": "{}", "origin": "gen9532@vm", "ignore_result": null, "re\#
        placed_task_nesting": 0, "stamped_headers": null, "stamps": {}}, "properties": {"correlation_id"\#
        : "f8b8baec-0ec4-4a82-84a7-69fe98431159", "reply_to": "62e30454-9952-3438-9e08-7c0d25feb571", "d\#
        elivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "animato"}, "priority": 0, "b\#
        ody_encoding": "base64", "delivery_tag": "10424bad-0a20-4a0a-8fba-6a1b71462201"}}
        """#

    /// `app.control.ping()`.
    static let ping = #"""
        {"body": "eyJtZXRob2QiOiAicGluZyIsICJhcmd1bWVudHMiOiB7fSwgImRlc3RpbmF0aW9uIjogbnVsbCwgInBhdHRlcm\#
        4iOiBudWxsLCAibWF0Y2hlciI6IG51bGwsICJ0aWNrZXQiOiAiZTdkNmRmYzAtYzdmNy00NGNlLWIyOTItZDE0ZjIyYmZhMW\#
        U2IiwgInJlcGx5X3RvIjogeyJleGNoYW5nZSI6ICJyZXBseS5jZWxlcnkucGlkYm94IiwgInJvdXRpbmdfa2V5IjogImI2M2\#
        ViYzIyLWYzODUtMzM1YS1iZGU2LWU4OTkzZGI1Mzc2MiJ9fQ==", "content-encoding": "utf-8", "content-type"\#
        : "application/json", "headers": {"clock": 1, "expires": 1795916962.0641062}, "properties": {"de\#
        livery_mode": 2, "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""}, "priority": \#
        0, "body_encoding": "base64", "delivery_tag": "3011c3b0-991e-4b6a-aba3-3cf3d0cc88bd"}}
        """#

    /// `app.control.revoke(id, terminate=True)`.
    static let revoke = #"""
        {"body": "eyJtZXRob2QiOiAicmV2b2tlIiwgImFyZ3VtZW50cyI6IHsidGFza19pZCI6ICJkMzRiMWMwNy0zNWRmLTQ2Mm\#
        UtYWI0Yi02OTY4M2EzMGZiMWQiLCAidGVybWluYXRlIjogdHJ1ZSwgInNpZ25hbCI6ICJTSUdURVJNIn0sICJkZXN0aW5hdG\#
        lvbiI6IG51bGwsICJwYXR0ZXJuIjogbnVsbCwgIm1hdGNoZXIiOiBudWxsfQ==", "content-encoding": "utf-8", "c\#
        ontent-type": "application/json", "headers": {"clock": 41, "expires": 1795916972.1995485}, "prop\#
        erties": {"delivery_mode": 2, "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},\#
         "priority": 0, "body_encoding": "base64", "delivery_tag": "e5afa1fe-1c66-4659-8432-1478e8f3b4f2\#
        "}}
        """#

    /// `app.control.inspect().active()`.
    static let active = #"""
        {"body": "eyJtZXRob2QiOiAiYWN0aXZlIiwgImFyZ3VtZW50cyI6IHsic2FmZSI6IG51bGx9LCAiZGVzdGluYXRpb24iOi\#
        BudWxsLCAicGF0dGVybiI6IG51bGwsICJtYXRjaGVyIjogbnVsbCwgInRpY2tldCI6ICJjOWRmYjQyNC04ODViLTQ4M2UtYj\#
        A3OC0xOWUwNTYzMjRjNWIiLCAicmVwbHlfdG8iOiB7ImV4Y2hhbmdlIjogInJlcGx5LmNlbGVyeS5waWRib3giLCAicm91dG\#
        luZ19rZXkiOiAiZTliOWM2ODUtZjk5Yi0zNjhiLWJkMWQtOWEzNWM1OTA0ODQ0In19", "content-encoding": "utf-8"\#
        , "content-type": "application/json", "headers": {"clock": 5, "expires": 1795916963.092282}, "pr\#
        operties": {"delivery_mode": 2, "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""\#
        }, "priority": 0, "body_encoding": "base64", "delivery_tag": "4e087bac-5ec1-4baa-a977-d1c51b8f7a\#
        eb"}}
        """#

    /// The record of a task that succeeded.
    static let success = #"""
        {"status": "SUCCESS", "result": {"a": 1}, "traceback": null, "children": [], "date_done": "2026-\#
        11-29T01:49:19.719515+00:00", "task_id": "11111111-1111-1111-1111-111111111111"}
        """#
}
