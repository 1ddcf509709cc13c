/* Every word on the page, in Chinese and English. GW.t('key', {n: 3}) gives it in the language chosen. */
var GW = {};

(function () {
  'use strict';

  var TEXTS = {
    title: ['网格工作', 'Grid work'],
    today: ['今日', 'Today'],
    grid: ['网格', 'My grid'],
    entries: ['记录', 'Entries'],
    other_language: ['EN', '中文'],
    sign_out: ['退出', 'Sign out'],
    sign_in: ['登录', 'Sign in'],
    sign_in_how: ['请扫描或点开上级发给您的登录链接，也可把登录码粘贴在这里。', 'Open the link you were given, or paste its code here.'],
    sign_in_code: ['登录码', 'Code'],
    sign_in_away: ['现在没有网络，联网后才能登录。', 'No network now: sign in once there is.'],
    sign_in_wrong: ['登录码无效或已过期，请向上级索取新的。', 'The code is wrong or has expired: ask for another one.'],
    expired: ['登录已过期，请用新链接登录；未发送的 {n} 条仍在本机。', 'Signed out by time: open a new link. {n} unsent entries are still here.'],
    other_store: ['本机存有另一岗位的资料，其中 {n} 条未发送。清空后才能登录。', 'This phone holds the entries of another post, {n} of them unsent. They must go before you can sign in.'],
    empty_it: ['清空并登录', 'Empty and sign in'],
    sign_out_lose: ['还有 {n} 条未发送，现在退出会丢失。', '{n} entries are not sent yet; they are lost if you sign out now.'],
    sign_out_yes: ['仍然退出', 'Sign out all the same'],
    cancel: ['取消', 'Cancel'],
    signed_out: ['已退出，本机资料已清空。', 'Signed out; nothing is left on this phone.'],
    emptied: ['已满 24 小时，本机资料已清空，请重新登录。', 'After 24 hours this phone was emptied: sign in again.'],
    emptied_lost: ['有 {n} 条未发送，已丢失，请重新登记。', ' {n} entries were not sent and are lost: enter them again.'],
    empties_at: ['本机资料将于 {at} 清空，请先联网发送。', 'This phone is emptied at {at}: find a network before.'],
    online: ['已联网', 'Online'],
    offline: ['没有网络', 'No network'],
    waiting: ['{n} 条待发送', '{n} waiting'],
    all_sent: ['已全部发送', 'all sent'],
    rejected_n: ['{n} 条被退回', '{n} returned'],
    check_n: ['{n} 条请核对', '{n} to check'],
    drill: ['演练 · 不是实情', 'DRILL · not real'],
    refresh: ['刷新', 'Refresh'],
    no_round: ['现在没有排摸任务', 'No round is open now'],
    progress: ['{round} 排摸：{reached}/{households} 户', 'Round {round}: {reached} of {households}'],
    nothing_due: ['现在没有待办', 'Nothing is due now'],
    no_duty: ['您还没有分配网格，请联系网格长。', 'No grid is assigned to you: ask your grid leader.'],
    more: ['再显示 {n} 条', 'Show {n} more'],
    household: ['入户排摸', 'Household'],
    visit: ['健康随访', 'Health visit'],
    sampling: ['单人采样', 'Own sample'],
    transfer: ['等待转运', 'Awaits transfer'],
    release: ['即将解除', 'Ends soon'],
    left: ['还剩 {time}', '{time} left'],
    late: ['已超时 {time}', '{time} late'],
    since: ['已等 {time}', 'waits {time}'],
    days: ['{n} 天', '{n} d'],
    hours: ['{n} 小时', '{n} h'],
    minutes: ['{n} 分', '{n} min'],
    people: ['{n} 人', '{n} people'],
    unmet: ['未见到：{names}', 'Not met: {names}'],
    tried: ['已试 {n} 次：{why}', 'Tried before, {n}×: {why}'],
    unknown_person: ['（名单外人员）', '(not on the roster)'],
    told_only: ['由上级处理，请告知本人。', 'Decided above; let the person know.'],
    find: ['搜索地址、姓名、首字母、电话', 'Find by address, name, initials, phone'],
    only_missing: ['只看未到（{n}）', 'Missing only ({n})'],
    everyone: ['全部（{n}）', 'All ({n})'],
    state_missing: ['未到', 'missing'],
    state_done: ['已到', 'done'],
    state_waiting: ['待发送', 'waiting'],
    state_partly: ['部分未见', 'partly'],
    away: ['外出', 'away'],
    back: ['返回列表', 'Back'],
    channel: ['方式', 'How'],
    channel_visit: ['上门', 'Door'],
    channel_phone: ['电话', 'Phone'],
    channel_message: ['短信', 'Message'],
    channel_app: ['微信/App', 'App'],
    all_well: ['全部正常', 'Everybody is well'],
    well: ['正常', 'Well'],
    ill: ['不适', 'Ill'],
    not_here: ['不在', 'Away'],
    temperature: ['体温 ℃', 'Temperature °C'],
    symptoms: ['症状', 'Symptoms'],
    fever: ['发热', 'fever'],
    cough: ['咳嗽', 'cough'],
    fatigue: ['乏力', 'fatigue'],
    sore_throat: ['咽痛', 'sore throat'],
    loss_of_smell: ['嗅觉减退', 'loss of smell'],
    diarrhoea: ['腹泻', 'diarrhoea'],
    where: ['去了哪里', 'Where'],
    back_on: ['预计返回', 'Back on'],
    add_person: ['＋ 还有人住在这里', '+ Somebody else lives here'],
    name: ['姓名', 'Name'],
    id_number: ['身份证号（没有可不填）', 'Identity number, if any'],
    phone: ['电话', 'Telephone'],
    save: ['保存', 'Save'],
    nobody_reached: ['没有见到人：', 'Nobody was reached:'],
    nobody_home: ['没人在家', 'Nobody home'],
    refused: ['拒绝', 'Refused'],
    unreachable: ['联系不上', 'No answer'],
    choose_somebody: ['请先为至少一人选择状况。', 'Say first how at least one of them is.'],
    temperature_wrong: ['体温应在 30 至 45 之间。', 'A temperature lies between 30 and 45.'],
    name_needed: ['请填写姓名。', 'Give the name.'],
    tube_id: ['采样管编号', 'Number of the tube'],
    tube_needed: ['请填写采样管编号。', 'Give the number of the tube.'],
    sampled_now: ['已采样，保存', 'Sampled, save'],
    well_now: ['正常，保存', 'Well, save'],
    saved: ['已记下', 'Noted'],
    no_entries: ['今天还没有记录', 'No entries yet'],
    entry_waiting: ['待发送', 'waiting'],
    entry_sent: ['已收到', 'received'],
    entry_rejected: ['被退回', 'returned'],
    entry_undone: ['已撤销', 'undone'],
    please_check: ['请核对', 'Please check'],
    it_is_so: ['确实如此', 'It is so'],
    undo: ['撤销', 'Undo'],
    undo_left: ['撤销（{n} 分钟内）', 'Undo ({n} min)'],
    correct: ['更正', 'Correct'],
    mend: ['修改后重发', 'Mend and send'],
    why: ['更正原因', 'Why it is corrected'],
    why_needed: ['请写明更正原因。', 'Say why it is corrected.'],
    made_at: ['{at} 记下', 'made at {at}'],
    would_be_right: ['。应为：{right}', '. Right would be: {right}'],
    'canvass-attempt': ['未见到人', 'Nobody reached'],
    'household-visit': ['入户排摸', 'Household'],
    presence: ['人员去向', 'Whereabouts'],
    tube: ['单人采样', 'Own sample'],
    lead: ['线索核查', 'Lead'],
    source_list: ['下发名单', 'List from above'],
    source_letter: ['协查函', 'Co-investigation letter'],
    source_tip: ['群众线索', 'Tip'],
    'lead-landed': ['已找到本人', 'Found'],
    'lead-not-found': ['查无此人', 'Not here'],
    'lead-closed': ['办结', 'Close'],
    'lead-passed-on': ['转出', 'Pass on'],
    lead_pass: ['应由其他区域核查，转出', 'Not ours: pass it on'],
    pass_find: ['转往（可搜索名称或区划代码）', 'To (find by name or code)'],
    passed_on_because: ['转来原因：{reason}', 'Passed on because: {reason}'],
    pass_to: ['转往：{place}', 'To: {place}'],
    pass_none: ['没有找到，请转往县（市、区）。', 'None found: pass it to the county.'],
    pass_needed: ['请选择转往何处，并写明原因（不写姓名）。', 'Choose where it goes and say why, naming nobody.'],
    lead_close: ['不用再查：', 'Nothing more to do:'],
    outcome_under_control: ['已管控', 'Under control'],
    outcome_no_risk: ['无风险', 'No risk'],
    outcome_not_to_be_found: ['无法找到', 'Not to be found'],
    outcome_mistaken: ['信息有误', 'Mistaken'],
    outcome_needed: ['请选择结果，并写明原因（不写姓名）。', 'Choose an outcome and say why, naming nobody.'],
    reason: ['原因（不写姓名）', 'Why (name nobody)'],
    need: ['群众需求', 'Need'],
    needs: ['需要帮助', 'Asks for'],
    'need-met': ['已办好', 'Done'],
    need_food: ['食品', 'food'],
    need_medicine: ['药品', 'medicine'],
    need_medical_care: ['就医', 'medical care'],
    need_daily_goods: ['生活用品', 'daily goods'],
    need_care_of_children_or_old: ['照看老幼', 'care of children or old people'],
    need_comfort: ['心理疏导', 'somebody to talk to'],
    need_other: ['其他', 'other']
  };

  GW.language = 'zh';

  GW.t = function (key, values) {
    var pair = TEXTS[key];
    var text = pair ? pair[GW.language === 'zh' ? 0 : 1] : key;
    return text.replace(/\{(\w+)\}/g, function (whole, name) {
      return values && values[name] !== undefined ? String(values[name]) : whole;
    });
  };

  /* Minutes as people say them: 2 d 3 h, 3 h 20 min, 12 min. */
  GW.span = function (ms) {
    var minutes = Math.max(0, Math.floor(Math.abs(ms) / 60000));
    var days = Math.floor(minutes / 1440);
    var hours = Math.floor((minutes % 1440) / 60);
    if (days) { return GW.t('days', { n: days }) + (hours ? ' ' + GW.t('hours', { n: hours }) : ''); }
    if (hours) { return GW.t('hours', { n: hours }) + (minutes % 60 ? ' ' + GW.t('minutes', { n: minutes % 60 }) : ''); }
    return GW.t('minutes', { n: minutes });
  };

  GW.clock = function (ms) {
    var shanghai = new Date(ms + 8 * 3600000);
    return ('0' + shanghai.getUTCHours()).slice(-2) + ':' + ('0' + shanghai.getUTCMinutes()).slice(-2);
  };
}());
