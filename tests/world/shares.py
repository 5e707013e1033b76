"""Share buttons of SoGwang: the five that it had, and the twelve that came to
them in January 2019.  U: the address of the page."""

FIVE = {"facebook": "https://www.facebook.com/sharer/sharer.php?u=U",
        "twitter": "https://twitter.com/intent/tweet?url=U",
        "pinterest": "https://www.pinterest.com/pin/create/button/?url=U",
        "linkedin": "https://www.linkedin.com/shareArticle?url=U",
        "tumblr": "https://www.tumblr.com/share/link?url=U"}
TWELVE = {"vk": "https://vk.com/share.php?url=U",
          "odnoklassniki": "https://connect.ok.ru/offer?url=U",
          "reddit": "https://www.reddit.com/submit?url=U",
          "telegram": "https://t.me/share/url?url=U",
          "whatsapp": "https://api.whatsapp.com/send?text=U",
          "line": "https://social-plugins.line.me/lineit/share?url=U",
          "weibo": "http://service.weibo.com/share/share.php?url=U",
          "douban": "https://www.douban.com/share/service?href=U",
          "qq": "http://sns.qzone.qq.com/cgi-bin/qzshare/"
                "cgi_qzshare_onekey?url=U",
          "renren": "http://widget.renren.com/dialog/share?resourceUrl=U",
          "googleplus": "https://plus.google.com/share?url=U",
          "mailru": "https://connect.mail.ru/share?url=U"}
